"""``dataflow config validate``: everything that is wrong with configs, for people, programs and GitHub."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from dataflow.cli.console import out, print_json, print_problems
from dataflow.cli.project import chosen, open_project
from dataflow.errors import Problem
from dataflow.registry import load_registry

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["validate"]


class Format(StrEnum):
    """How problems are printed."""

    text = "text"
    json = "json"
    github = "github"


def validate(
    names: Annotated[list[str] | None, typer.Argument(help="Workflows; all of them when none is named.")] = None,
    *,
    form: Annotated[Format, typer.Option("--format", help="How problems are printed.")] = Format.text,
) -> None:
    """Check configs, their SQL, dbt models and neighbours: every problem at its place, with the way out.

    Exit code 1 where there is an error; warnings alone leave it 0.
    """
    from dataflow.linting.lint import lint
    from dataflow.runtime.author_code.settings_check import check_settings

    settings, registry = open_project()
    wanted = set(names or ())
    alone = {name: _problems_of(name, settings) for name in sorted(wanted)}
    for name in sorted(wanted - registry.workflows.keys()):
        if not alone[name]:
            chosen(registry, name)
    told = {problem for problems in alone.values() for problem in problems}
    shallow = [each for each in registry.problems if not wanted or _owner(each) in wanted or each in told]
    deep = lint(registry, settings, variables=_variables(settings), names=wanted or None)
    healthy = [workflow for name, workflow in registry.workflows.items() if not wanted or name in wanted]
    problems = sorted({*shallow, *deep, *check_settings(healthy, environment=settings.environment)})
    _print(form, problems)
    if form is Format.text:
        broken = {owner for problem in shallow if (owner := _owner(problem))}
        out.print(_summary(len(wanted or {*registry.workflows, *broken}), problems), markup=False)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)


def _variables(settings: Settings) -> dict[str, str]:
    """Give what references may name here; tasks get ``.env`` as well as the environment."""
    from dotenv import dotenv_values

    written = dotenv_values(settings.project / ".env")
    return {**{name: value or "" for name, value in written.items()}, **os.environ}


def _problems_of(name: str, settings: Settings) -> tuple[Problem, ...]:
    """Give what is wrong with one workflow, also in the defaults, templates and modules that it uses."""
    return load_registry(settings.project, only=name, environment=settings.environment).problems


def _owner(problem: Problem) -> str | None:
    """Give the workflow whose file it is; None for a file that several share."""
    parts = problem.path.split("/")
    is_of_one = len(parts) > 3 and parts[:2] == ["include", "workflows"]
    is_model = len(parts) > 2 and parts[:2] == ["dbt", "models"]
    return parts[2] if is_of_one or is_model else None


def _print(form: Format, problems: Sequence[Problem]) -> None:
    if form is Format.json:
        print_json([{name: getattr(problem, name) for name in Problem.__slots__} for problem in problems])
    elif form is Format.github:
        for problem in problems:
            typer.echo(_annotation(problem))
    else:
        print_problems(problems)


def _annotation(problem: Problem) -> str:
    """Give the workflow command with which GitHub marks the line; its text and fields have escapes of their own."""
    key = f"{problem.key}: " if problem.key else ""
    hint = f"; {problem.hint}" if problem.hint else ""
    text = _escaped(f"{key}{problem.message}{hint}")
    path = _escaped(problem.path).replace(":", "%3A").replace(",", "%2C")
    return f"::{problem.severity} file={path},line={problem.line},col={problem.column}::{text}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _summary(workflows: int, problems: Sequence[Problem]) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    told = [_counted(errors, "error") if errors else "no errors"]
    if warnings:
        told.append(_counted(warnings, "warning"))
    return f"{_counted(workflows, 'workflow')} checked: {', '.join(told)}."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"

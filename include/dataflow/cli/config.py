"""``dataflow config``: what the workflows' configs say, and whether they are right."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from dataflow.cli.console import emit, out, print_json, print_problems
from dataflow.cli.project import chosen, open_project
from dataflow.errors import Problem
from dataflow.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Look at configs and check them.", no_args_is_help=True)


class Format(StrEnum):
    """How problems are printed."""

    text = "text"
    json = "json"
    github = "github"


@app.command("list")
def list_configs(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every config and whether it is right."""
    _, registry = open_project()
    rows: list[dict[str, Any]] = [
        {"name": name, "file": f"include/workflows/{name}/config.yaml", "problems": 0} for name in registry.workflows
    ]
    broken: dict[str, int] = {}
    for problem in registry.problems:
        broken[problem.path] = broken.get(problem.path, 0) + (problem.severity == "error")
    for row in rows:
        row["problems"] = broken.pop(row["file"], 0)
    rows += [{"name": _workflow_of(path), "file": path, "problems": count} for path, count in broken.items()]
    emit(sorted(rows, key=lambda row: str(row["name"])), as_json=as_json, empty="No workflows yet.")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one config as it is read: layers merged, references kept as references."""
    _, registry = open_project(only=name)
    workflow = chosen(registry, name)
    public = workflow.spec.public()
    if as_json:
        print_json(public)
    else:
        out.print(yaml.safe_dump(public, sort_keys=False, allow_unicode=True).rstrip(), markup=False)


@app.command("validate")
def validate(
    names: Annotated[list[str] | None, typer.Argument(help="Workflows; all of them when none is named.")] = None,
    *,
    form: Annotated[Format, typer.Option("--format", help="How problems are printed.")] = Format.text,
) -> None:
    """Check configs: every problem at its place, with the way out. Exit code 1 where there is an error."""
    _, registry = open_project(only=names[0] if names and len(names) == 1 else None)
    for name in names or ():
        if name not in registry.workflows and not registry.problems:
            chosen(registry, name)
    problems = [p for p in registry.problems if not names or _concerns(p, names)]
    _print_as(form, problems)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)
    if form is Format.text:
        count = len(names) if names else len(registry.workflows)
        out.print(f"{count} workflow{'s' if count != 1 else ''} checked: no errors.")


@app.command("settings")
def settings(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show every DATAFLOW_* setting as it is in force here; passwords are masked."""
    current = Settings.load()
    rows = [
        {
            "variable": f"DATAFLOW_{name.upper()}",
            "value": current.shown(name),
            "meaning": (field.description or "").replace("\n", " ").replace("``", ""),
        }
        for name, field in Settings.model_fields.items()
    ]
    emit(rows, as_json=as_json, empty="")


def _concerns(problem: Problem, names: list[str]) -> bool:
    """Tell whether it is in one of these workflows, or in a file that all of them share."""
    owner = _workflow_of(problem.path)
    return owner in names or owner == problem.path


def _workflow_of(path: str) -> str:
    parts = path.split("/")
    return parts[2] if len(parts) > 3 and parts[:2] == ["include", "workflows"] else path


def _print_as(form: Format, problems: list[Problem]) -> None:
    if form is Format.json:
        print_json([{name: getattr(problem, name) for name in Problem.__slots__} for problem in problems])
    elif form is Format.github:
        for problem in problems:
            place = f"file={problem.path},line={problem.line},col={problem.column}"
            text = f"{problem.key}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
            typer.echo(f"::{problem.severity} {place}::{text}")
    else:
        print_problems(problems)

"""``dataflow config``: what the workflows' configs say, and whether they are right."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated, Any

import typer
import yaml

from dataflow.cli.console import emit, out, print_json, print_problems
from dataflow.cli.project import chosen, open_project
from dataflow.errors import Problem
from dataflow.loading.layers import read_layers
from dataflow.loading.origin import origins_of
from dataflow.loading.yaml_document import Node
from dataflow.paths import REFERENCE, SCHEMA, find_project
from dataflow.runtime.settings_check import check_settings
from dataflow.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Look at configs and check them.", no_args_is_help=True)

MAX_SHOWN = 60
"""Characters of one value in a table."""


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
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from: file and line.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one config as it is read: layers merged, references kept as references."""
    settings, registry = open_project(only=name)
    if origin and (root := read_layers(settings.project, name, environment=settings.environment).root) is not None:
        _show_origins(root, as_json=as_json)  # of a broken config too: there one looks for it
        return
    workflow = chosen(registry, name)
    public = workflow.spec.public()
    if as_json:
        print_json(public)
    else:
        out.print(yaml.safe_dump(public, sort_keys=False, allow_unicode=True).rstrip(), markup=False)


def _show_origins(root: Node, *, as_json: bool) -> None:
    found = list(origins_of(root))
    if as_json:
        print_json([asdict(each) for each in found])
        return
    rows = [{"key": each.key, "value": _short(each.value), "from": f"{each.path}:{each.line}"} for each in found]
    emit(rows, as_json=False, empty="")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= MAX_SHOWN else f"{text[: MAX_SHOWN - 3]}..."


@app.command("validate")
def validate(
    names: Annotated[list[str] | None, typer.Argument(help="Workflows; all of them when none is named.")] = None,
    *,
    form: Annotated[Format, typer.Option("--format", help="How problems are printed.")] = Format.text,
) -> None:
    """Check configs: every problem at its place, with the way out. Exit code 1 where there is an error."""
    current, registry = open_project(only=names[0] if names and len(names) == 1 else None)
    for name in names or ():
        if name not in registry.workflows and not registry.problems:
            chosen(registry, name)
    checked = [workflow for name, workflow in registry.workflows.items() if not names or name in names]
    problems = [p for p in registry.problems if not names or _concerns(p, names)]
    problems += check_settings(checked, environment=current.environment)
    _print_as(form, problems)
    if any(problem.severity == "error" for problem in problems):
        raise typer.Exit(1)
    if form is Format.text:
        count = len(names) if names else len(registry.workflows)
        out.print(f"{count} workflow{'s' if count != 1 else ''} checked: no errors.")


@app.command("schema")
def schema(
    *,
    write: Annotated[
        bool, typer.Option("--write", help="Write it, and the reference of every key, into the project.")
    ] = False,
) -> None:
    """Print the JSON schema of a config, which editors use to complete and to check."""
    from dataflow.spec.json_schema import workflow_schema
    from dataflow.spec.reference import config_reference

    text = json.dumps(workflow_schema(), indent=1, ensure_ascii=False) + "\n"
    if not write:
        sys.stdout.write(text)
        return
    project = find_project()
    for name, content in ((SCHEMA, text), (REFERENCE, config_reference())):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(content, encoding="utf-8")
        out.print(f"wrote {name.as_posix()}")


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

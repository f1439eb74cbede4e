"""``dataflow config``: what the workflows' configs say, and whether they are right."""

from __future__ import annotations

from typing import Annotated, Any

import typer
import yaml

from dataflow.cli.console import emit, out, print_json
from dataflow.cli.project import chosen, open_project
from dataflow.cli.validate import validate
from dataflow.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Look at configs and check them.", no_args_is_help=True)
app.command("validate")(validate)


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


def _workflow_of(path: str) -> str:
    parts = path.split("/")
    return parts[2] if len(parts) > 3 and parts[:2] == ["include", "workflows"] else path

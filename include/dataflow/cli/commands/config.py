"""``dataflow config``: what the workflows' configs say, and whether they are right."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Annotated, Any

import typer
import yaml

from dataflow.attribute_docstrings import attribute_docstrings
from dataflow.cli.commands.validate import validate
from dataflow.cli.console import emit, out, print_json
from dataflow.cli.project import broken_workflows, chosen, open_project
from dataflow.loading.layers import read_layers
from dataflow.loading.origin import origins_of
from dataflow.loading.yaml_document import Node
from dataflow.paths import REFERENCE, SCHEMA, find_project
from dataflow.settings import Settings

__all__ = ["app"]

app = typer.Typer(help="Look at configs and check them.", no_args_is_help=True)
app.command("validate")(validate)

MAX_SHOWN = 60
"""Characters of one value in a table."""


@app.command("list")
def list_configs(*, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List every config and whether it is right."""
    _, registry = open_project()
    rows: list[dict[str, Any]] = [
        {"name": name, "file": f"include/workflows/{name}/config.yaml", "problems": 0} for name in registry.workflows
    ]
    rows += [
        {"name": name, "file": f"include/workflows/{name}/config.yaml", "problems": count}
        for name, count in broken_workflows(registry).items()
    ]
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
    meanings = attribute_docstrings(Settings)
    rows = [
        {
            "variable": f"DATAFLOW_{name.upper()}",
            "value": current.shown(name),
            "meaning": meanings[name].replace("\n", " ").replace("``", ""),
        }
        for name in Settings.model_fields
    ]
    emit(rows, as_json=as_json, empty="")

"""``dataflow dbt``: what dbt makes of the workflows' models."""

from __future__ import annotations

from typing import Annotated

import typer

from dataflow.cli.console import out
from dataflow.cli.project import chosen, open_project
from dataflow.errors import ConfigError

__all__ = ["app"]

app = typer.Typer(help="Work with the workflows' dbt models.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    pass


@app.command("compile")
def compile_manifests(
    names: Annotated[list[str] | None, typer.Argument(help="Workflows; all of them when none is named.")] = None,
    *,
    force: Annotated[bool, typer.Option("--force", help="Also those that are up to date.")] = False,
) -> None:
    """Compile each changed workflow's models to its manifest; the DAGs show them after the next parse."""
    from dataflow.modelling.compile import compile_models

    settings, registry = open_project(only=names[0] if names and len(names) == 1 else None)
    workflows = [chosen(registry, name) for name in names] if names else list(registry.workflows.values())
    with_models = [workflow for workflow in workflows if workflow.models]
    of = f"{len(with_models)} workflow{'s' if len(with_models) != 1 else ''}"
    with out.status(f"Compiling the models of {of} ..."):
        problems = compile_models(settings, with_models, force=force)
    if problems:
        raise ConfigError(problems)
    out.print(f"The models of {of} are compiled.")

"""``dataflow service``: run the programs that make up an installation on this machine."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(help="Start services on this machine.", no_args_is_help=True)


class Service(StrEnum):
    """What can be started."""

    airflow = "airflow"


@app.callback()
def _group() -> None:
    pass


@app.command("start")
def start(service: Annotated[Service, typer.Argument(help="Which.")]) -> None:
    """Start a service and serve until Ctrl-C."""
    del service
    from dataflow.service.airflow import start_airflow
    from dataflow.settings import Settings

    raise typer.Exit(start_airflow(Settings.load()))

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
def start(
    service: Annotated[Service, typer.Argument(help="Which.")],
    port: Annotated[int | None, typer.Option(help="Of its pages; by default DATAFLOW_AIRFLOW_PORT or 8080.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End after one run of each example.")] = False,
) -> None:
    """Start a service and serve until Ctrl-C."""
    del service
    from dataflow.service.airflow import start_airflow
    from dataflow.settings import Settings

    raise typer.Exit(start_airflow(Settings.load(), port=port, once=once))

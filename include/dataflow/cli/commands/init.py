"""``dataflow init``: create what the services need, once, before any DAG runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from dataflow.cli.console import err, out, print_problems
from dataflow.cli.project import open_project
from dataflow.ducklake import DuckLake
from dataflow.errors import InputError

__all__ = ["init"]

POOL = "warehouse"
ON_A_FILE = ("1", "One dbt process at a time on the DuckDB file; spares worker slots.")
ON_A_LAKE = ("32", "dbt processes at once on the DuckLake; one a workflow.")


def init(
    *,
    pools: Annotated[bool, typer.Option(help="Also create Airflow's pools in its metadata database.")] = True,
) -> None:
    """Create run history, the warehouse, Airflow's pools and the dbt manifests; running it again does no harm."""
    from dataflow.modelling.compile import compile_models
    from dataflow.ops.history import History
    from dataflow.warehouse.create import create_warehouse

    settings, registry = open_project()
    workflows = list(registry.workflows.values())
    for folder in (settings.landing, settings.published, settings.scratch):
        if isinstance(folder, Path):  # S3 has no folders to create
            folder.mkdir(parents=True, exist_ok=True)
    out.print("Run history ...")
    History(settings.ops).create()
    out.print("Warehouse ...")
    create_warehouse(settings, [workflow.name for workflow in workflows])
    if pools:
        out.print("Airflow pools ...")
        _create_pools(ON_A_LAKE if isinstance(settings.warehouse, DuckLake) else ON_A_FILE)
    with_models = [workflow for workflow in workflows if workflow.models]
    out.print(f"dbt models of {len(with_models)} workflows ...")
    problems = [*registry.problems, *compile_models(settings, with_models)]
    if problems:
        err.print("Created; these configs and models are broken, their workflows will not run:", markup=False)
        print_problems(problems)
    out.print("Ready.")


def _create_pools(size: tuple[str, str]) -> None:
    """Ask Airflow's own program, so that this one stays without Airflow."""
    command = [sys.executable, "-m", "airflow", "pools", "set", POOL, *size]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
    if done.returncode != 0:
        raise InputError(
            "Airflow could not create the pool `warehouse`; is its metadata database there "
            f"(`airflow db migrate`)? With --no-pools it is left out.\n{done.stderr.strip()[-1_000:]}"
        )

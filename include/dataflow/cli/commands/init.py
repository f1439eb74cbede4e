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
from dataflow.service.environment import NO_TELEMETRY, airflow_home, user_environment
from dataflow.settings import Settings

__all__ = ["init"]

POOL = "warehouse"
ON_A_FILE = ("1", "One dbt process at a time on the DuckDB file; spares worker slots.")
ON_A_LAKE = ("32", "dbt processes at once on the DuckLake; one a workflow.")
NAMED_DATABASE = [f"AIRFLOW__DATABASE__SQL_ALCHEMY_CONN{how}" for how in ("", "_CMD", "_SECRET")]
"""What says where Airflow's metadata database is, if not its home does."""


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
        _create_pools(settings, ON_A_LAKE if isinstance(settings.warehouse, DuckLake) else ON_A_FILE)
    with_models = [workflow for workflow in workflows if workflow.models]
    out.print(f"dbt models of {len(with_models)} workflows ...")
    problems = [*registry.problems, *compile_models(settings, with_models)]
    if problems:
        err.print("Created; these configs and models are broken, their workflows will not run:", markup=False)
        print_problems(problems)
    out.print("Ready.")


def _create_pools(settings: Settings, size: tuple[str, str]) -> None:
    """Ask Airflow's own program, so that this one stays without Airflow; in the home that `make run` uses, too.

    Where nobody says where Airflow's database is, it is made there.
    """
    user = user_environment(settings.project)
    home = airflow_home(settings, user)
    environment = {**NO_TELEMETRY, **user, "AIRFLOW_HOME": str(home)}
    is_ours = not user.get("AIRFLOW_HOME") and not any(map(user.get, NAMED_DATABASE))
    if is_ours and not (home / "airflow.db").exists():
        home.mkdir(parents=True, exist_ok=True)
        out.print("Airflow's metadata database ...")
        _airflow("db", "migrate", environment=environment)
    done = _airflow("pools", "set", POOL, *size, environment=environment)
    if done.returncode != 0:
        raise InputError(
            "Airflow could not create the pool `warehouse`; is its metadata database there "
            f"(`airflow db migrate`)? With --no-pools it is left out.\n{done.stderr.strip()[-1_000:]}"
        )


def _airflow(*arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter

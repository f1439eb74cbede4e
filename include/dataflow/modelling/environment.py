"""What dbt is told through its environment: which workflow it sees, and where the warehouse is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.ducklake import DuckLake
from dataflow.durations import format_duration
from dataflow.sensitive import sensitive_in_transform
from dataflow.warehouse.dbt.errors import HIDE_VALUES

if TYPE_CHECKING:
    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings

__all__ = [
    "PROFILE",
    "PROJECT_NAME",
    "dbt_constants",
    "dbt_environment",
    "dbt_flags",
    "dbt_target",
    "parse_environment",
    "run_environment",
    "window_environment",
]

PROJECT_NAME = "dataflow"
PROFILE = "dataflow"
TARGET, LAKE_TARGET = "warehouse", "ducklake"


def dbt_constants(workflow: Workflow) -> dict[str, str]:
    """Give what is the same on every machine, and so may be shown with the DAG."""
    return {
        "DATAFLOW_WORKFLOW": workflow.name,
        "DATAFLOW_DBT_MODELS": f"models/{workflow.name}",
        "DBT_USE_COLORS": "false",
        "DO_NOT_TRACK": "1",
    }


def dbt_environment(settings: Settings, workflow: Workflow) -> dict[str, str]:
    """Give all that dbt and our plugin in it read on this machine; laid over the environment as it is.

    The project is named because dbt runs in a copy of its folder, from where it is not found upwards.
    """
    warehouse = settings.warehouse
    return {
        **dbt_constants(workflow),
        "DATAFLOW_PROJECT": str(settings.project),
        "DATAFLOW_WAREHOUSE": warehouse.setting if isinstance(warehouse, DuckLake) else str(warehouse),
        "DATAFLOW_WAREHOUSE_DATA": str(settings.warehouse_data),
        "DATAFLOW_MODELS_MAY_REACH": settings.shown("models_may_reach"),
        "DATAFLOW_MEMORY": str(settings.memory),
        "DATAFLOW_LOCK_TIMEOUT": format_duration(settings.lock_timeout),
        HIDE_VALUES: "1" if sensitive_in_transform(workflow.spec).anywhere else "",
    }


def dbt_target(settings: Settings) -> str:
    """Give the output of ``profiles.yml`` that the warehouse is."""
    return LAKE_TARGET if isinstance(settings.warehouse, DuckLake) else TARGET


def window_environment(start: str, end: str) -> dict[str, str]:
    """Give the run's window, ISO 8601 in UTC, for models that read ``env_var('DATAFLOW_WINDOW_START')``."""
    return {"DATAFLOW_WINDOW_START": start, "DATAFLOW_WINDOW_END": end}


def run_environment(run_id: str) -> dict[str, str]:
    """Give the run that dbt stamps in the warehouse before it builds; see `dataflow.warehouse.dbt.plugin`."""
    return {"DATAFLOW_RUN_ID": run_id}


def parse_environment() -> dict[str, str]:
    """Give stand-ins for what only a run has; without them a model that reads one does not parse.

    dbt parses such a model again in the task, where the value is another, and that model alone.
    """
    return {**window_environment("1970-01-01T00:00:00+00:00", "1970-01-02T00:00:00+00:00"), "DATAFLOW_RUN_ID": "none"}


def dbt_flags(settings: Settings) -> list[str]:
    """Give the flags that every invocation shares.

    They are those of the DAGs' tasks: dbt throws a partial parse away that was made under another profile or target.
    """
    return [
        "--project-dir",
        str(settings.dbt_project),
        "--profiles-dir",
        str(settings.dbt_project),
        "--profile",
        PROFILE,
        "--target",
        dbt_target(settings),
        "--no-static-parser",
    ]

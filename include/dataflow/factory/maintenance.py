"""The upkeep as a DAG of ours: one task a chore, once a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG

from dataflow.maintenance.chores import CHORES, do_chore

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["MAINTENANCE", "maintenance_dag"]

MAINTENANCE = "dataflow-maintenance"
"""No workflow is called so: none has a dash in its name."""
FIRST = datetime(2025, 1, 1, tzinfo=UTC)


def maintenance_dag(settings: Settings) -> DAG:
    """Make the DAG; its tasks wait for nobody, and one at a time runs."""
    dag = DAG(
        MAINTENANCE,
        schedule=settings.maintenance,
        start_date=FIRST,
        catchup=False,
        max_active_runs=1,
        max_active_tasks=1,
        dagrun_timeout=timedelta(hours=12),
        is_paused_upon_creation=False,
        default_args={"owner": "dataflow", "retries": 2, "retry_delay": timedelta(minutes=5)},
        dag_display_name="Maintenance",
        description="Deletes what is left over or too old; `dataflow maintenance run --dry-run` says what.",
        tags=["maintenance"],
        auto_register=False,
    )
    with dag:
        for chore in CHORES:
            PythonOperator(task_id=chore, python_callable=partial(_do, chore, settings))
    return dag


def _do(chore: str, settings: Settings, **_: Any) -> list[str]:
    from dataflow import connections
    from dataflow.factory.tasks import airflow_connection

    connections.look_up_with(airflow_connection)
    return list(do_chore(chore, settings).told)

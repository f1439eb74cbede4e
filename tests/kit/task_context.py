"""Tasks of a DAG called as Airflow calls them, with a context and nothing else of it."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import uuid6
from airflow.sdk.exceptions import AirflowRuntimeError, ErrorType
from airflow.sdk.execution_time.comms import ErrorResponse
from airflow.sdk.execution_time.context import OutletEventAccessors

from dataflow.interval import Interval

__all__ = ["FIRST", "Run"]

FIRST = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))


class Run:
    """What Airflow's task context says of one run; it keeps what the tasks returned."""

    def __init__(self, run_id: str = "scheduled__1", *, run_type: str = "scheduled", **given: Any) -> None:
        self.returned: dict[str, Any] = {}
        self.states: dict[str, Any] = {}
        self.events = OutletEventAccessors()
        self.dag_run = SimpleNamespace(
            run_id=run_id,
            run_type=SimpleNamespace(value=run_type),
            **{
                "run_after": datetime(2025, 2, 2, tzinfo=UTC),
                "data_interval_start": FIRST.start,
                "data_interval_end": FIRST.end,
                "partition_key": None,
                "partition_date": None,
                **given,
            },
        )

    def context(self, task_id: str, **params: Any) -> dict[str, Any]:
        ti = SimpleNamespace(
            task_id=task_id,
            try_number=1,
            id=uuid6.uuid7(),
            xcom_pull=lambda *, task_ids: self.returned.get(task_ids),
            get_dagrun_state=self.state,
        )
        known = {"dag_run": self.dag_run, "ti": ti, "params": params, "outlet_events": self.events}
        return known | {
            "task": task_id,
            "dag": "dag",
            "run_id": self.dag_run.run_id,
        }  # names of ours that are Airflow's too

    def state(self, *, dag_id: str, run_id: str) -> str:
        state = self.states.get(run_id, 404)
        if isinstance(state, int):
            detail = {"status_code": state, "message": "no"}
            raise AirflowRuntimeError(ErrorResponse(error=ErrorType.API_SERVER_ERROR, detail=detail))
        return str(state)

    def execute(self, dag: Any) -> None:
        for task in dag.topological_sort():
            self.returned[task.task_id] = task.python_callable(**self.context(task.task_id))

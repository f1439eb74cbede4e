"""Runs without an engine: workflows from a mapping, and requests as Airflow would make them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataflow.interval import Interval
from dataflow.loading.workflow import Workflow
from dataflow.runtime.request import RunRequest
from dataflow.spec.planning import build_plan
from dataflow.spec.workflow import WorkflowSpec
from kit.project import DAILY

__all__ = ["Engine", "day", "days", "make_workflow"]

EVENTS = {"type": "mock", "rows": 3, "columns": {"event_id": "BIGINT", "at": "TIMESTAMPTZ"}}


def day(number: int, hour: int = 0) -> datetime:
    """Give a moment, in days after the begin of 2025."""
    from datetime import timedelta

    return datetime(2025, 1, 1, tzinfo=UTC) + timedelta(days=number, hours=hour)


def days(start: int, end: int) -> Interval:
    """Give the span between two such days."""
    return Interval(day(start), day(end))


def make_workflow(project: Path = Path("/nowhere"), /, name: str = "shop", **config: Any) -> Workflow:
    """Give a workflow that was never written to a file; daily mock events unless said otherwise."""
    spec = WorkflowSpec.model_validate({"name": name, **DAILY, "sources": {"events": EVENTS}, **config})
    plan = build_plan(spec, has_models=False, reads={})
    return Workflow(spec, project, project / "include" / "workflows" / name, plan, {}, (), "0" * 16)


@dataclass
class Engine:
    """What Airflow knows of a workflow's runs."""

    workflow: Workflow
    states: dict[str, str] = field(default_factory=dict)

    def request(self, run_id: str, **given: Any) -> RunRequest:
        """Give a request of a first task; the run is running from here on."""
        self.states[run_id] = "running"
        values: dict[str, Any] = {
            "workflow": self.workflow.name,
            "run_id": run_id,
            "kind": "scheduled",
            "run_after": day(1),
            "interval": None,
            "partition_key": None,
            "partition": None,
            "params": {},
            "task_id": "ingest.events",
            "try_number": 1,
            "output": lambda _: None,
            "state_of": self.states.get,
            "log": logging.getLogger("dataflow.tests"),
        }
        return RunRequest(**values | given)

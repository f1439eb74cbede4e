"""What the API answers: the read model that the page and programs share."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

__all__ = [
    "Answer",
    "ProblemAnswer",
    "ProblemsAnswer",
    "RunAnswer",
    "SourceAnswer",
    "TableAnswer",
    "WorkflowAnswer",
    "WorkflowsAnswer",
]


class Answer(BaseModel):
    """A frozen JSON object."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class ProblemAnswer(Answer):
    """One thing that is wrong with a config, at its place."""

    path: str
    line: int
    column: int
    key: str
    message: str
    hint: str
    severity: Literal["error", "warning"]


class ProblemsAnswer(Answer):
    """Every problem that the caller may see."""

    problems: list[ProblemAnswer]


class RunAnswer(Answer):
    """One run, as Airflow shows it. Moments are in UTC."""

    run_id: str
    state: str
    run_type: str
    run_after: datetime | None
    start_date: datetime | None
    end_date: datetime | None


class SourceAnswer(Answer):
    """Where a table comes from."""

    name: str
    type: str
    description: str


class TableAnswer(Answer):
    """One loaded table."""

    name: str
    columns: dict[str, str]


class WorkflowAnswer(Answer):
    """One workflow: what its config says and how it fares."""

    dag_id: str
    title: str
    description: str
    owner: str
    domain: str | None
    tags: list[str]
    state: Literal["healthy", "broken"]
    is_paused: bool
    schedule: str
    next_run_after: datetime | None
    sources: list[SourceAnswer]
    tables: list[TableAnswer]
    models: list[str]
    published: list[str]
    params: dict[str, dict[str, Any]]
    runs: list[RunAnswer]
    problems: list[ProblemAnswer]
    may_trigger: bool


class WorkflowsAnswer(Answer):
    """Every workflow that the caller may read."""

    workflows: list[WorkflowAnswer]
    problems: list[ProblemAnswer]

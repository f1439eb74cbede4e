"""What is said of expressions, and of which nothing is said because only a run can tell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dataflow.linting.lint import lint
from kit.project import MOCK_CONFIG, Project

PYTHON = "def events(ctx, events):\n    return events\n"
COLUMNS = {"event_id": "BIGINT", "kind": "VARCHAR", "happened_at": "TIMESTAMPTZ", "parts": "BIGINT[]"}


def told(project: Project, **config: Any) -> list[str]:
    """Lint a workflow of four columns."""
    sources = {"events": {"type": "mock", "columns": COLUMNS}}
    whole = json.loads(json.dumps({**MOCK_CONFIG, "sources": sources, **config}))  # no anchors
    code = {"transform": PYTHON} if "'python'" in repr(config) else {}
    project.write_workflow("events", whole, **code)
    registry = project.registry()
    assert () == registry.problems
    return [problem.message for problem in lint(registry, project.settings(), variables={})]


@pytest.mark.parametrize(
    "stage",
    [{"sql": "select *, 1 as one from events"}, {"python": "events"}, {"unnest": "parts"}],
    ids=["sql", "python", "unnest"],
)
def test_behind_a_stage_whose_columns_only_a_run_tells_nothing_is_said(project: Project, stage: dict[str, str]) -> None:
    assert [] == told(project, transform={"events": [stage, {"filter": "one > 0"}]})


def test_of_a_source_that_declares_no_columns_nothing_is_said(project: Project) -> None:
    source = {"type": "file", "path": "*.parquet", "format": "parquet"}

    assert [] == told(project, sources={"events": source}, transform={"events": [{"filter": "whatever > 0"}]})


@pytest.mark.parametrize(
    "stages",
    [
        [{"rename": {"kind": "sort"}}, {"filter": "sort = 'a'"}],
        [{"cast": {"event_id": "VARCHAR"}}, {"filter": "event_id like '1%'"}],
        [{"normalize_timestamps": {"columns": ["happened_at"]}}, {"filter": "happened_at > timestamptz '2025-01-01'"}],
        ["add_timestamps", {"filter": "loaded_at > timestamptz '2025-01-01'"}],
        [{"drop": ["kind"]}, {"derive": {"kind": "event_id + 1", "next": "kind + 1"}}, {"filter": "next > 1"}],
        [{"select": ["EVENT_ID"]}, {"derive": {"run": "_dataflow_run || event_id"}}],
        [{"derive": {"a": "1 -- a comment"}}, {"filter": "a > 0 /* and another */ -- and one more"}],
        ["deduplicate", {"filter": "list_contains(parts, 1) and date_trunc('day', happened_at) = happened_at"}],
        [{"check": {"not_null": "kind", "where": "strftime(happened_at, '%Y') > '2020'"}}],
    ],
)
def test_stages_leave_the_columns_that_a_run_would_leave(project: Project, stages: list[Any]) -> None:
    assert [] == told(project, transform={"events": stages})


@pytest.mark.parametrize(
    "check",
    [
        {"sql": "select kind, count(*) as n from events group by all having n > 1", "where": "n > 2"},
        {"sql": "with late as (from events where event_id < 1) select kind from late join events using (kind);"},
        {"sql": "select * from events where _dataflow_run is null -- none"},
    ],
)
def test_a_query_that_a_run_would_take_is_taken(project: Project, check: dict[str, str]) -> None:
    assert [] == told(project, validate={"events": [check]}, transform={"events": [{"check": check}]})


def test_a_query_names_the_batches_of_other_sources(project: Project) -> None:
    sources = {name: {"type": "mock", "columns": COLUMNS} for name in ("events", "others")}
    join = "select * from events join others using (event_id) where others.{} is null"

    assert [] == told(project, sources=sources, validate={"events": [{"sql": join.format("kind")}]})
    [message] = told(project, sources=sources, validate={"events": [{"sql": join.format("knd")}]})
    assert "knd" in message


def test_a_cursor_may_be_named_where_the_source_is_incremental(project: Project) -> None:
    source = {"type": "mock", "columns": COLUMNS}
    stages = {"events": [{"filter": "_dataflow_cursor is not null"}]}

    assert ["'_dataflow_cursor' is no column here"] == told(project, transform=stages)
    assert [] == told(
        project, transform=stages, sources={"events": {**source, "incremental": {"cursor": "happened_at"}}}
    )


def test_a_dropped_column_is_gone(project: Project) -> None:
    assert ["'kind' is no column here"] == told(
        project, transform={"events": [{"drop": "kind"}, {"derive": {"a": "1"}}, {"filter": "kind = 'a'"}]}
    )

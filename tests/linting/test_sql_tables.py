"""Which tables the SQL of stages and checks may name, and that a run finds those that it may."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dataflow.linting.lint import lint
from kit.project import MOCK_CONFIG, Project

PYTHON = "def events(ctx, events):\n    events.create_view('seen')\n    return events\n"
COLUMNS = {"event_id": "BIGINT", "kind": "VARCHAR"}


def told(project: Project, **config: Any) -> list[str]:
    """Lint a workflow of two sources."""
    sources = {name: {"type": "mock", "columns": COLUMNS} for name in ("events", "others")}
    whole = json.loads(json.dumps({**MOCK_CONFIG, "sources": sources, **config}))  # no anchors
    code = {"transform": PYTHON} if "'python'" in repr(config) else {}
    project.write_workflow("events", whole, **code)
    registry = project.registry()
    assert () == registry.problems
    return [f"{problem.message}; {problem.hint}" for problem in lint(registry, project.settings(), variables={})]


@pytest.mark.parametrize(
    "sql",
    [
        "select * from EVENTS",
        "select e.kind from events e join others using (event_id), range(3) as three(n)",
        "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) select n.i from n, events",
        "select * from (with late as (from events) from late)",
        "from (pivot events on kind in ('a', 'b') using count(*))",
        "select * from (values (1)) as v(event_id) semi join events using (event_id)",
        "select * from information_schema.tables, duckdb_tables, pg_tables",
        "select unnest([1, 2]) as n, * from events, lateral (select events.event_id + 1 as next)",
        "from events select kind where kind = 'select * from nothing'",
    ],
)
def test_what_a_run_would_find_is_let_pass(project: Project, sql: str) -> None:
    assert [] == told(project, validate={"events": [{"sql": sql}]}, transform={"events": [{"sql": sql}]})


@pytest.mark.parametrize(
    "stages",
    [
        [{"filter": "event_id in (select max(event_id) from batch.events)"}],
        [{"derive": {"n": "(select count(*) from others)"}}, {"sql": "select e.* from events e, others"}],
        [
            {"check": {"relationships": {"column": "event_id", "to": "others.event_id"}}},
            {"filter": "exists (from others)"},
        ],
        [{"python": "events"}, {"sql": "select * from seen"}],
        [{"check": {"sql": "select * from events", "where": "event_id > (select avg(event_id) from events)"}}],
    ],
)
def test_a_stage_sees_what_its_table_reads_anywhere(project: Project, stages: list[Any]) -> None:
    assert [] == told(project, transform={"events": stages})


@pytest.mark.parametrize(
    ("stage", "message"),
    [
        ({"sql": "select * from event"}, "there is no table 'event' here; did you mean 'events'?"),
        ({"sql": "select * from 'x.parquet'"}, "there is no table 'x.parquet' here; there are: batch.events, events"),
        (
            {"filter": "exists (from shop.orders)"},
            "no table 'shop.orders' here; read it by a source of type: published",
        ),
        (
            {"filter": "event_id > (select avg(event_id) from events)"},
            "no table 'events' here; `sql` and `python` stages",
        ),
        ({"deduplicate": {"key": "kind", "order_by": "(select max(n) from nowhere)"}}, "no table 'nowhere' here"),
        ({"check": {"not_null": "kind", "where": "exists (from other)"}}, "no table 'other' here"),
    ],
)
def test_what_no_run_would_find_is_refused(project: Project, stage: dict[str, Any], message: str) -> None:
    [only] = told(project, transform={"events": [stage]})

    assert message in only


def test_a_check_of_a_batch_calls_it_by_its_bare_name(project: Project) -> None:
    [only] = told(project, validate={"events": [{"sql": "select * from batch.events"}]})

    assert "there is no table 'batch.events' here; in `validate` the batch is called events" == only

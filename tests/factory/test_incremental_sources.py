"""Each type of source, read incrementally over days: downtime, late rows and a backfill lose and double nothing."""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import pytest

from dataflow.factory.dag import build_dag
from dataflow.runtime.local.run import run_workflow
from dataflow.testing.fake_api import FakeApi
from dataflow.warehouse.connection import open_warehouse
from kit.project import Project
from kit.runs import day, days
from kit.task_context import Run

Row = tuple[int, datetime, str]
COLUMNS = {"id": "BIGINT", "at": "TIMESTAMPTZ", "v": "VARCHAR"}
INCREMENTAL = {"cursor": "at", "start": "2025-01-01", "lag": "1d"}
FROM_FILE = {"type": "file", "path": "data/events.csv", "format": "csv", "columns": COLUMNS}
READS_FILE = """
import csv
from pathlib import Path

def events(ctx):
    with (Path(__file__).parent / "data" / "events.csv").open() as file:
        yield [{**row, "id": int(row["id"])} for row in csv.DictReader(file)]
"""


class World:
    """A project, and a place outside of it where the rows are."""

    def __init__(self, project: Project, api: FakeApi) -> None:
        self.project = project
        self.api = api

    def file(self, rows: list[Row], *, workflow: str = "shop") -> None:
        data = self.project.folder(workflow) / "data"
        data.mkdir(parents=True, exist_ok=True)
        with (data / "events.csv").open("w", newline="") as file:
            csv.writer(file).writerows([COLUMNS, *((i, at.isoformat(), v) for i, at, v in rows)])

    def answers(self, rows: list[Row]) -> None:
        records = [{"id": i, "at": at.isoformat(), "v": v} for i, at, v in rows]
        self.api.answer("/events", records)
        if self.api.asked:  # what it was told before is given no more
            self.api._answers["/events"] = self.api._answers["/events"][-1:]

    def database(self, rows: list[Row]) -> None:
        with sqlite3.connect(self.project.root / "events.db") as database:
            database.execute("create table if not exists events (id integer, at text, v text)")
            database.execute("delete from events")
            database.executemany("insert into events values (?, ?, ?)", [(i, at.isoformat(), v) for i, at, v in rows])

    def published(self, rows: list[Row]) -> None:
        upstream = {"description": "What others made.", "owner": "tests", "start_date": "2025-01-01"}
        self.project.write_workflow("upstream", {**upstream, "sources": {"events": FROM_FILE}})
        self.file(rows, workflow="upstream")
        assert run_workflow(self.project.workflow("upstream"), settings=self.project.settings()).status == "success"


def sources(world: World) -> dict[str, tuple[dict[str, Any], Callable[[list[Row]], None]]]:
    query = {"since": "{{ cursor.start }}", "before": "{{ cursor.end }}"}
    api = {"type": "api", "url": f"{world.api.url}/events", "query": query, "columns": COLUMNS}
    database = {"type": "database", "url": "${EVENTS_DB}", "table": "events", "columns": COLUMNS}
    return {
        "file": (FROM_FILE, world.file),
        "python": ({"type": "python", "columns": COLUMNS}, world.file),
        "api": (api, world.answers),
        "database": (database, world.database),
        "published": ({"type": "published", "table": "upstream.events"}, world.published),
    }


@pytest.fixture
def world(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setenv("EVENTS_DB", f"sqlite:///{project.root / 'events.db'}")
    monkeypatch.setenv("DATAFLOW_ALLOWED_HOSTS", "127.0.0.1")
    with FakeApi() as api:
        yield World(project, api)


@pytest.mark.parametrize("kind", ["file", "python", "api", "database", "published"])
def test_a_table_holds_what_its_source_holds_each_row_once(world: World, kind: str) -> None:
    config, put = sources(world)[kind]
    whole = {"description": "Events.", "owner": "tests", "schedule": "@daily", "start_date": "2025-01-01"}
    whole |= {"sources": {"events": {**config, "incremental": INCREMENTAL}}, "load": {"events": {"mode": "append"}}}
    world.project.write_workflow("shop", whole, **({"ingestion": READS_FILE} if kind == "python" else {}))
    rows: list[Row] = [(1, day(0, hour=10), "first"), (2, day(1, hour=10), "second")]
    put(rows)
    ended: dict[str, str] = {}

    def run(run_id: str, number: int, *, kind: str = "scheduled") -> None:
        window = days(number, number + 1)
        tick = {"data_interval_start": window.start, "data_interval_end": window.end, "run_after": window.end}
        going = Run(run_id, run_type=kind, **tick)
        going.states |= ended
        going.execute(build_dag(world.project.workflow("shop"), world.project.settings()))
        ended[run_id] = "success"

    run("first", 1)
    rows += [(3, day(2, hour=10), "while nobody ran"), (4, day(3, hour=10), "new"), (5, day(1, hour=12), "late")]
    put(rows)
    run("after downtime", 3)
    after_downtime = loaded(world.project)
    rows[0] = (1, day(0, hour=10), "corrected")
    rows += [(6, day(0, hour=12), "later than the lag")]
    put(rows)
    run("next", 4)
    before_backfill = loaded(world.project)
    run("backfill", 0, kind="backfill")
    run("after downtime", 3)

    assert sorted([(1, "first"), (2, "second"), *((i, v) for i, _, v in rows[2:5])]) == after_downtime
    assert after_downtime == before_backfill, "what lies before the lag is read by a backfill alone"
    assert sorted((i, v) for i, _, v in rows) == loaded(world.project)


def test_an_api_is_asked_for_the_range_alone(world: World) -> None:
    test_a_table_holds_what_its_source_holds_each_row_once(world, "api")
    asked = [(call.query["since"][:10], call.query["before"][:10]) for call in world.api.asked]

    assert [
        ("2025-01-01", "2025-01-03"),
        ("2025-01-02", "2025-01-05"),
        ("2025-01-04", "2025-01-06"),
        ("2025-01-01", "2025-01-02"),
        ("2025-01-02", "2025-01-05"),
    ] == asked


def loaded(project: Project) -> list[tuple[int, str]]:
    with open_warehouse(project.settings(), purpose="look") as connection:
        return connection.execute("select id, v from staging_shop.events order by all").fetchall()

"""One machine publishes to S3, others read it: sources, queries, sandboxes and the workflow's own tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.program import Program
from kit.project import MOCK_CONFIG, Project
from kit.store import Bucket, bucket

READER = {
    "description": "What events published.",
    "owner": "tests",
    "start_date": "2025-01-01",
    "sources": {"taken": {"type": "published", "table": "events.events"}},
}


@pytest.fixture
def store() -> Iterator[Bucket]:
    with bucket() as made:
        yield made


@pytest.fixture
def shared(project: Project, store: Bucket) -> Project:
    """A project whose snapshots lie in S3, with a workflow that publishes and one that reads it."""
    project.write_file(".env", f"DATAFLOW_PUBLISHED={store.place('published')}\n")
    project.write_workflow("events", {**MOCK_CONFIG})
    project.write_workflow("reader", {**READER})
    return project


def test_what_one_workflow_published_another_reads(shared: Project, dataflow: Program) -> None:
    assert 0 == dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05").code
    run = dataflow("workflow", "run", "reader", "--live", "--show", "1")
    assert 0 == run.code, run.out + run.err

    answer = dataflow("query", "reader", "select count(*) as n, min(kind) is not null as known from taken", "--json")

    assert [{"n": 5, "known": True}] == answer.json
    assert not (shared.root / ".dataflow" / "published").exists()


def test_a_sandbox_reads_it_and_publishes_to_nobody(shared: Project, store: Bucket, dataflow: Program) -> None:
    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")
    before = store.names()

    run = dataflow("workflow", "run", "reader", "--json")

    assert 0 == run.code, run.out + run.err
    assert before == store.names()
    assert 0 == dataflow("workflow", "test", "reader").code


def test_only_published_tables_can_be_queried_and_others_are_told(shared: Project, dataflow: Program) -> None:
    dataflow("workflow", "run", "events", "--live", "--window", "2025-01-05")

    answer = dataflow("query", "events", "select * from event")

    assert 1 == answer.code
    assert "Published tables of events: events" in answer.err
    assert (1, "no workflow 'event'; did you mean 'events'?\n") == (
        (unknown := dataflow("query", "event", "select 1")).code,
        unknown.err,
    )

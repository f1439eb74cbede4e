from __future__ import annotations

import logging
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import Asset
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from dataflow.errors import FatalError, TransientError
from dataflow.factory.dag import build_dag
from dataflow.factory.tasks import request_from, resolve_reference
from dataflow.interval import Interval
from dataflow.ops.history import open_history
from dataflow.warehouse.snapshot import current_snapshot
from kit.project import MOCK_CONFIG, Project
from kit.task_context import FIRST, Run

JANUARY = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 2, 1, tzinfo=UTC))
LOG = logging.getLogger("test")


def test_a_request_says_what_airflow_knows_of_the_run(project: Project) -> None:
    project.write_workflow("events")
    run = Run("backfill__1", run_type="backfill")
    run.returned["ingest.events"] = {"rows": 5}

    request = request_from(project.workflow("events"), run.context("publish", batch=5), log=LOG)

    expected = ("events", "backfill__1", "backfill", run.dag_run.run_after, FIRST, None, None, {"batch": 5}, 1)
    assert expected == (
        request.workflow,
        request.run_id,
        request.kind,
        request.run_after,
        request.interval,
        request.partition_key,
        request.partition,
        request.params,
        request.try_number,
    )
    assert request.attempt is not None
    assert request.attempt < request_from(project.workflow("events"), run.context("publish"), log=LOG).attempt
    assert request.output("ingest.events") == {"rows": 5}
    assert request.output("ingest.other") is None


@pytest.mark.parametrize(
    ("run_type", "kind"),
    [
        ("scheduled", "scheduled"),
        ("backfill", "backfill"),
        ("manual", "manual"),
        ("operator_triggered", "manual"),
        ("asset_triggered", "asset"),
    ],
)
def test_every_kind_of_run_has_a_name_of_ours(project: Project, run_type: str, kind: str) -> None:
    project.write_workflow("events")
    context = Run(run_type=run_type).context("publish")

    assert kind == request_from(project.workflow("events"), context, log=LOG).kind


def test_a_partition_is_the_period_of_its_key(project: Project) -> None:
    project.write_workflow("events", {**MOCK_CONFIG, "schedule": {"cron": "@monthly", "partition": "month"}})
    run = Run(partition_key="2025-01", data_interval_start=None, data_interval_end=None)

    request = request_from(project.workflow("events"), run.context("publish"), log=LOG)

    assert (request.interval, request.partition_key, request.partition) == (None, "2025-01", JANUARY)


def test_the_state_of_a_run_that_is_gone_is_none(project: Project) -> None:
    project.write_workflow("events")
    run = Run()
    run.states = {"known": "success", "server_is_down": 503}

    state_of = request_from(project.workflow("events"), run.context("publish"), log=LOG).state_of

    assert state_of("known") == "success"
    assert state_of("deleted") is None
    with pytest.raises(TransientError, match="does not tell the state of run server_is_down"):
        state_of("server_is_down")


def test_the_tasks_of_a_dag_publish_a_snapshot(project: Project) -> None:
    project.write_workflow("events")
    run, dag = Run(), build_dag(project.workflow("events"), project.settings())

    run.execute(dag)

    snapshot = current_snapshot(project.settings(), "events")
    assert snapshot is not None
    assert snapshot.tables == {"events": 5}


def test_asset_events_carry_rows_and_window(project: Project) -> None:
    project.write_workflow("events")
    run, dag = Run(), build_dag(project.workflow("events"), project.settings())

    run.execute(dag)

    for name in ("raw/events/events", "staging/events/events", "warehouse/events/events"):
        assert run.events[Asset(name)].extra == {"rows": 5, "window": FIRST.to_json()}


def test_a_superseded_run_skips_the_rest(project: Project) -> None:
    config = {**MOCK_CONFIG, "schedule": "manual"}
    project.write_workflow("events", config)
    dag = build_dag(project.workflow("events"), project.settings())
    nothing = {"data_interval_start": None, "data_interval_end": None}
    newer = Run("manual__2", run_type="manual", **nothing)
    newer.execute(dag)
    callback(dag, "success", newer)
    older = Run("manual__1", run_type="manual", **nothing)

    with pytest.raises(AirflowSkipException, match="superseded by run manual__2"):
        older.execute(dag)


def callback(dag: Any, how: str, run: Run, **context: Any) -> None:
    getattr(dag, f"on_{how}_callback")({"dag": dag, "run_id": run.dag_run.run_id, "reason": how, **context})


def test_what_another_try_cannot_mend_fails_at_once(project: Project) -> None:
    project.write_workflow("events", {**MOCK_CONFIG, "validate": {"events": [{"row_count": {"min": 100}}]}})
    dag = build_dag(project.workflow("events"), project.settings())

    with pytest.raises(AirflowFailException, match="row_count"):
        Run().execute(dag)


def test_any_other_error_is_left_to_retries(project: Project) -> None:
    config = {**MOCK_CONFIG, "sources": {"events": {"type": "python", "columns": {"id": "BIGINT"}, "windowed": True}}}
    project.write_workflow("events", config, ingestion="def events(ctx):\n    raise OSError('no network')\n    yield\n")
    dag = build_dag(project.workflow("events"), project.settings())

    with pytest.raises(Exception, match="no network") as failure:
        Run().execute(dag)

    assert not isinstance(failure.value, AirflowFailException)


@pytest.mark.parametrize(("how", "status"), [("success", "COMPLETED"), ("failure", "FAILED")])
def test_run_history_learns_how_a_run_ended(project: Project, how: str, status: str) -> None:
    from dataflow.ops.runs import find_run

    project.write_workflow("events")
    run, dag = Run(), build_dag(project.workflow("events"), project.settings())
    run.execute(dag)

    callback(dag, how, run, dag_run=SimpleNamespace(clear_number=2))

    with open_history(project.settings().ops).read() as connection:
        record = find_run(connection, "events", run_id="scheduled__1")
    assert record is not None
    assert status == record.status


def test_references_are_read_from_airflow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_REGION", "eu")
    monkeypatch.setenv(
        "AIRFLOW_CONN_SHOP_DB", '{"conn_type": "postgres", "password": "s3cret", "extra": {"role": "r"}}'
    )

    assert resolve_reference("var:REGION") == "eu"
    assert resolve_reference("conn:shop_db.password") == "s3cret"
    assert resolve_reference("conn:shop_db.role") == "r"
    with pytest.raises(FatalError, match="connection 'shop_db' has no host"):
        resolve_reference("conn:shop_db.host")
    with pytest.raises(FatalError, match="no connection 'other'"):
        resolve_reference("conn:other.host")
    with pytest.raises(FatalError, match="no such variable"):
        resolve_reference("var:OTHER")


def test_nothing_that_airflow_may_print_of_a_dag_holds_the_password_of_run_history(project: Project) -> None:
    project.write_workflow("events")
    settings = project.settings().model_copy(update={"ops": "postgresql+psycopg2://ops:hunter2@db/ops"})

    dag = build_dag(project.workflow("events"), settings)

    shown = [dag.on_success_callback, dag.on_failure_callback, *(task.python_callable for task in dag.tasks)]
    assert "hunter2" not in repr(shown)


def test_what_a_reference_gives_of_a_secret_is_hidden_in_errors_and_told_to_airflows_masker(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    from airflow.sdk.log import redact

    secret = "token-of-the-drop-4711"
    monkeypatch.setenv("DROP_TOKEN", secret)
    source = {"type": "file", "format": "csv", "path": "${DROP_TOKEN}/a.csv", "columns": {"a": "BIGINT"}}
    project.write_workflow("drop", {**MOCK_CONFIG, "sources": {"drop": source}})
    dag = build_dag(project.workflow("drop"), project.settings())
    open_history(project.settings().ops).create()

    with pytest.raises(AirflowFailException) as raised:
        Run().execute(dag)

    assert "no file ***/a.csv" in str(raised.value)
    assert secret not in str(raised.value.__cause__)
    assert "*** failed" == redact(f"{secret} failed")

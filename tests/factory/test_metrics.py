"""What tasks count arrives at a StatsD server, through Airflow's own client."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from dataflow.factory.dag import build_dag
from kit.project import MOCK_CONFIG, Project
from kit.statsd import statsd_sink
from kit.task_context import Run

CHECKS = {"events": [{"range": {"column": "event_id", "max": -1}, "on_fail": "warn"}, {"not_null": "event_id"}]}


def dag_of(project: Project, **config: Any) -> Any:
    project.write_workflow("shop", {**MOCK_CONFIG, "validate": CHECKS, **config})
    return build_dag(project.workflow("shop"), project.settings())


def test_a_run_counts_rows_bytes_failures_and_waits(project: Project) -> None:
    dag = dag_of(project)

    with statsd_sink() as sink:
        Run().execute(dag)
        lines = sink.lines()

    assert "airflow.dataflow.shop.ingest__events.rows:5|c" in lines
    assert "airflow.dataflow.shop.transform__events.rows:5|c" in lines
    assert "airflow.dataflow.shop.publish.rows:5|c" in lines
    assert "airflow.dataflow.shop.validate__events.check_failures:5|c" in lines
    assert 4 <= lines.count("airflow.dataflow.rows:5|c")
    assert any(line.startswith("airflow.dataflow.shop.ingest__events.bytes:") for line in lines)
    assert any(line.startswith("airflow.dataflow.shop.transform__events.lock_wait:") for line in lines)


def test_where_there_are_tags_they_tell_of_what(project: Project) -> None:
    dag = dag_of(project)

    with statsd_sink(influxdb_tags_enabled=True, statsd_influxdb_enabled=True) as sink:
        Run().execute(dag)
        lines = sink.lines()

    assert "airflow.dataflow.rows,workflow=shop,task=ingest.events,table=events:5|c" in lines
    failures = (
        "airflow.dataflow.check_failures,workflow=shop,task=validate.events,table=events,check=range_event_id:5|c"
    )
    assert failures in lines


def test_a_check_that_fails_the_task_is_counted_too(project: Project) -> None:
    dag = dag_of(project, validate={"events": [{"row_count": {"min": 100}}]})

    with statsd_sink() as sink:
        with pytest.raises(AirflowFailException):
            Run().execute(dag)
        lines = sink.lines()

    assert "airflow.dataflow.shop.validate__events.check_failures:1|c" in lines


def test_rows_in_quarantine_are_counted_whoever_sets_them_aside(project: Project) -> None:
    project.write_file("orders.csv", "id,amount\n1,5\n2,x\n3,-7\n4,y\n")
    orders = {"type": "file", "path": str(project.root / "orders.csv"), "format": "csv"}
    orders |= {"columns": {"id": "BIGINT", "amount": "BIGINT"}, "schema_contract": {"data_type": "quarantine"}}
    below_zero = {"range": {"column": "amount", "min": 0}, "on_fail": "quarantine"}
    dag = dag_of(project, sources={"orders": orders}, validate={"orders": [below_zero]})

    with statsd_sink() as sink:
        Run().execute(dag)
        lines = sink.lines()

    assert "airflow.dataflow.shop.ingest__orders.quarantined_rows:2|c" in lines
    assert "airflow.dataflow.shop.validate__orders.quarantined_rows:1|c" in lines
    assert ["2|c", "1|c"] == [line.partition(":")[2] for line in lines if "dataflow.quarantined_rows" in line]


def test_a_metric_that_cannot_be_sent_fails_no_task(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise OSError("no route to host")

    monkeypatch.setattr("airflow.sdk.observability.stats.incr", fails)

    Run().execute(dag_of(project))

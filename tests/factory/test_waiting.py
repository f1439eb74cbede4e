from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
import uuid6
from airflow.sdk.exceptions import AirflowFailException, AirflowSensorTimeout, TaskDeferred
from airflow.serialization.serialized_objects import DagSerialization

from dataflow.factory.dag import build_dag
from dataflow.factory.wait_triggers import AddressTrigger, ObjectTrigger
from dataflow.ops.history import open_history
from dataflow.ops.reading import anomalies_of
from kit.databases import postgres_schema
from kit.project import MOCK_CONFIG, Project
from kit.receivers import web_receiver
from kit.store import bucket

RUN = "scheduled__1"


def dag_of(project: Project, *waiting: dict[str, Any], **modules: str) -> Any:
    project.write_workflow("shop", {**MOCK_CONFIG, "wait_for": list(waiting)}, **modules)
    open_history(project.settings().ops).create()
    return build_dag(project.workflow("shop"), project.settings())


def context() -> dict[str, Any]:
    start = datetime(2025, 3, 4, tzinfo=UTC)
    dag_run = SimpleNamespace(
        run_id=RUN,
        run_type="scheduled",
        run_after=start + timedelta(days=1),
        data_interval_start=start,
        data_interval_end=start + timedelta(days=1),
        partition_key=None,
        partition_date=None,
    )
    ti = SimpleNamespace(
        task_id="wait_for.0",
        try_number=1,
        id=uuid6.uuid7(),  # as Airflow gives each try of a task
        xcom_pull=lambda **_: None,
        get_dagrun_state=lambda **_: "running",
        get_first_reschedule_date=lambda _: None,
    )
    return {"dag_run": dag_run, "ti": ti, "params": {}}


def deferred(dag: Any) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as caught:
        dag.get_task("wait_for.0").execute(context())
    return caught.value


def test_what_is_waited_for_comes_before_every_source(project: Project) -> None:
    dag = dag_of(project, {"file": "a"}, {"http": "https://example.com"})

    assert {"wait_for.0", "wait_for.1"} == set(dag.get_task("ingest.events").upstream_task_ids)
    assert set() == dag.get_task("wait_for.1").upstream_task_ids
    assert json.dumps(DagSerialization.to_dict(dag)) == json.dumps(DagSerialization.to_dict(dag))


def test_a_file_of_the_window_is_left_to_the_triggerer(project: Project) -> None:
    waiting = {"file": "data/{{ window.start | date }}/_SUCCESS", "timeout": "6h", "poke_interval": "10s"}

    left = deferred(dag_of(project, waiting))

    path, arguments = left.trigger.serialize()
    assert "airflow.providers.standard.triggers.file.FileTrigger" == path
    assert str(project.folder("shop") / "data/2025-03-04/_SUCCESS") == arguments["filepath"]
    assert (timedelta(hours=6), 10) == (left.timeout, arguments["poke_interval"])


def test_a_file_that_is_there_is_not_waited_for(project: Project) -> None:
    dag = dag_of(project, {"file": "data/{{ window.start | date }}/_SUCCESS"})
    project.write_file("include/workflows/shop/data/2025-03-04/_SUCCESS", "")

    dag.get_task("wait_for.0").execute(context())


@pytest.mark.parametrize(
    ("pattern", "no_match", "match"),
    [("*.csv", "part/a.csv", "a.csv"), ("**/*.csv", "a.txt", "a.csv"), ("_SUCCESS", "_SUCCESS.tmp", "_SUCCESS")],
)
def test_a_file_in_a_bucket_is_watched_as_it_was_looked_for_at_first(
    project: Project, pattern: str, no_match: str, match: str
) -> None:
    with bucket() as store:
        place = f"{store.place()}/{{{{ window.start | date }}}}/{pattern}"
        dag = dag_of(project, {"file": place, "poke_interval": "1s"})
        store.put(f"2025-03-04/{no_match}", "id")
        path, arguments = deferred(dag).trigger.serialize()
        assert path == "dataflow.factory.wait_triggers.ObjectTrigger"

        async def wait() -> Any:
            asyncio.get_running_loop().call_later(0.5, store.put, f"2025-03-04/{match}", "id")
            watched = asyncio.ensure_future(anext(ObjectTrigger(**arguments).run()))
            await asyncio.sleep(0.4)
            assert not watched.done()
            return await asyncio.wait_for(watched, timeout=30)

        assert {"status": "success"} == asyncio.run(wait()).payload
        dag.get_task("wait_for.0").execute(context())  # it is there, so nobody waits


def test_an_address_is_asked_until_it_answers_with_success() -> None:
    async def wait(port: int) -> Any:
        path, arguments = AddressTrigger(f"http://127.0.0.1:{port}/", 0.01, "127.0.0.1").serialize()
        assert path == "dataflow.factory.wait_triggers.AddressTrigger"
        return await asyncio.wait_for(anext(AddressTrigger(**arguments).run()), timeout=10)

    with web_receiver() as receiver:
        assert {"status": "success"} == asyncio.run(wait(receiver.port)).payload
    with web_receiver(status=503) as receiver, pytest.raises(TimeoutError):
        asyncio.run(asyncio.wait_for(wait(receiver.port), timeout=2))
    assert receiver.asked > 3


def test_a_reference_that_is_not_set_fails_at_once(project: Project) -> None:
    dag = dag_of(project, {"file": "${NOWHERE_SET}/_SUCCESS"})

    with pytest.raises(AirflowFailException, match="the variable NOWHERE_SET is not set"):
        dag.get_task("wait_for.0").execute(context())


def test_a_wait_that_is_over_is_told_in_run_history(project: Project) -> None:
    task = dag_of(project, {"file": "data/_SUCCESS", "timeout": "6h"}).get_task("wait_for.0")

    with pytest.raises(AirflowSensorTimeout, match="data/_SUCCESS was not there within 6h"):
        task.resume_execution("__fail__", {"error": "Trigger timeout"}, context())

    [row] = anomalies_of(open_history(project.settings().ops), "shop", run_id=RUN)
    assert ("wait_for.0", "WAITED_IN_VAIN") == (row["task_id"], row["category"])


def test_a_function_is_asked_again_later(project: Project) -> None:
    dag = dag_of(project, {"python": "ready"}, steps="def ready(ctx):\n    return ctx.window.start.day == 4\n")

    assert "reschedule" == dag.get_task("wait_for.0").mode
    assert dag.get_task("wait_for.0").poke(context())


@pytest.mark.postgres
@pytest.mark.parametrize(("day", "there"), [("2025-03-05", True), ("2025-03-04", False)])
def test_a_query_is_asked_through_its_connection(
    project: Project, monkeypatch: pytest.MonkeyPatch, day: str, there: bool
) -> None:
    with postgres_schema() as url:
        server = sa.make_url(url)
        connection = {"conn_type": "postgres", "host": server.host, "port": server.port, "schema": server.database}
        connection |= {"login": server.username, "password": server.password}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", json.dumps(connection))
        waiting = {"sql": f"select {{{{ window.end | date | sql }}}} <= '{day}'", "connection": "shop_db"}

        found = dag_of(project, waiting).get_task("wait_for.0").poke(context())

    assert there == found

"""What happens around the steps, under a real scheduler: retries, messages, deadlines, waiting, replays."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.errors import ServiceError
from dataflow.ops.history import open_history
from dataflow.ops.reading import list_runs
from dataflow.ops.runs import find_run
from dataflow.quarantine.records import list_quarantined
from dataflow.warehouse.connection import open_warehouse
from kit.airflow_home import AirflowHome
from kit.project import MOCK_CONFIG, Project
from kit.receivers import Receiver, mail_receiver, web_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

PYTHON = {"type": "python", "windowed": True, "columns": {"id": "BIGINT"}}
QUICK: dict[str, Any] = {**MOCK_CONFIG, "schedule": "manual", "retry_delay": "1s", "retries": 2}
TOLD = [
    {"events": ["failure", "late"], "connection": "team_hook"},
    {"events": "failure", "connection": "team_mail", "to": "ada@example.com"},
]
NAMES = ("events", "orders", "parcels")
FAILING = "".join(
    f"""
def {name}(ctx):
    raise ValueError("{name}: no answer from https://ada:swordfish@example.com/")
    yield
"""
    for name in NAMES
)
CLOSED = """
from dataflow.errors import TransientError

class ShopClosed(Exception):
    pass

def events(ctx):
    raise ShopClosed("until Monday")
    yield

def orders(ctx):
    raise TransientError("a moment, please")
    yield
"""
SLOW = """
import time
from pathlib import Path

def events(ctx):
    while not (Path(__file__).parent / "may_end").exists():
        time.sleep(0.2)
    yield [{"id": 1}]
"""
PARAMS = {
    "day": {"type": "string", "format": "date"},
    "at": {"type": "string", "format": "date-time"},
    "size": {"type": "string", "enum": ["s", "m"], "default": "s"},
    "batch": {"type": "integer", "minimum": 1, "default": 5},
}
SHOP = {
    **{key: value for key, value in QUICK.items() if key not in ("sources", "load")},
    "sources": {
        "orders": {
            "type": "file",
            "format": "csv",
            "path": "orders.csv",
            "columns": {"order_id": "BIGINT", "amount": "DECIMAL(12,2)"},
        }
    },
    "validate": {"orders": [{"range": {"column": "amount", "min": 0}, "on_fail": "quarantine"}]},
}
ORDERS = "order_id,amount\n1,10.00\n2,-5.00\n3,-1.00\n4,7.50\n"


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def mails() -> Iterator[Receiver]:
    with mail_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, hook: Receiver, mails: Receiver) -> Iterator[AirflowHome]:
    folder = tmp_path_factory.mktemp("orchestration")
    project = Project(folder / "project")
    three = {**QUICK, "sources": dict.fromkeys(NAMES, PYTHON), "retries": 0, "deadline": "1h", "notify": TOLD}
    project.write_workflow("fails", json.loads(json.dumps(three)), ingestion=FAILING)
    two = {**QUICK, "never_retry": "ShopClosed", "sources": dict.fromkeys(NAMES[:2], PYTHON)}
    project.write_workflow("closed", json.loads(json.dumps(two)), ingestion=CLOSED)
    late = {**QUICK, "sources": {"events": PYTHON}, "deadline": "20s", "notify": TOLD, "title": "The slow one"}
    project.write_workflow("late", late, ingestion=SLOW)
    waiting = {"file": "data/{{ window.start | date }}/_SUCCESS", "poke_interval": "1s", "timeout": "5m"}
    project.write_workflow(
        "waits", {**QUICK, "wait_for": [waiting, {"http": f"http://127.0.0.1:{hook.port}/ready"}], "params": PARAMS}
    )
    daily = {**MOCK_CONFIG, "schedule": {"cron": "@daily", "partition": "day", "timezone": "Europe/Berlin"}}
    project.write_workflow("daily", daily)
    by_key = {"assets": ["warehouse/daily/events"], "partition": "day", "timezone": "Europe/Berlin"}
    project.write_workflow("follows", {**MOCK_CONFIG, "schedule": by_key})
    project.write_workflow("shop", SHOP).joinpath("orders.csv").write_text(ORDERS)
    extra = {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True}
    connections = {
        "AIRFLOW_CONN_TEAM_HOOK": {"conn_type": "http", "host": f"http://127.0.0.1:{hook.port}/hooks/T0"},
        "AIRFLOW_CONN_TEAM_MAIL": {"conn_type": "smtp", "host": "127.0.0.1", "port": mails.port, "extra": extra},
    }
    with AirflowHome(
        project, folder / "home", **{name: json.dumps(value) for name, value in connections.items()}
    ) as home:
        home.prepare()
        home.start("api-server", "scheduler", "dag-processor", "triggerer")
        for dag_id in ("fails", "closed", "late", "waits", "follows", "shop"):
            home.wait_for_dag(dag_id)
        yield home


def of_run(receiver: Receiver, run_id: str) -> list[Any]:
    return [message for message in receiver.got if run_id in str(message)]


def test_a_late_run_is_told_of_while_it_still_runs(airflow: AirflowHome, hook: Receiver) -> None:
    run_id = airflow.trigger("late")

    [message] = airflow.until(lambda: of_run(hook, run_id), "somebody is told that the run is late")
    state = airflow.api.get(f"/dags/late/dagRuns/{run_id}")["state"]
    airflow.project.write_file("include/workflows/late/may_end", "")

    assert "running" == state
    assert ("late", "The slow one", "not done 20s after it was queued") == (
        message["event"],
        message["title"],
        message["message"],
    )
    assert message["details"][0].startswith("ingest.events runs since ")
    ended = airflow.wait_for_run("late", run_id)
    assert "success" == ended["state"], airflow.failures("late", run_id)
    assert 1 == len(of_run(hook, run_id))


def test_a_run_in_which_three_tasks_fail_is_told_of_once(airflow: AirflowHome, hook: Receiver, mails: Receiver) -> None:
    run = airflow.run("fails")
    run_id = run["dag_run_id"]

    airflow.until(lambda: of_run(hook, run_id) and mails.got, "both are told")
    time.sleep(5)  # nothing more comes

    assert ["failed"] * 3 == [airflow.tasks("fails", run_id)[f"ingest.{name}"] for name in NAMES]
    [message], [mail] = of_run(hook, run_id), mails.got
    assert ("failure", "STEP_ERROR") == (message["event"], message["category"])
    assert message["step"] in {f"ingest.{name}" for name in NAMES}
    assert 2 == len(message["details"])
    assert "no answer from https://***@example.com/" in message["message"]
    assert "swordfish" not in message["text"] + mail.as_string()
    assert "fails failed" == mail["Subject"]
    assert message["link"] in mail.get_body(("html",)).get_content()


def test_an_error_that_is_never_retried_fails_at_once_and_another_is_tried_again(airflow: AirflowHome) -> None:
    run = airflow.run("closed")

    found = airflow.api.get(f"/dags/closed/dagRuns/{run['dag_run_id']}/taskInstances")["task_instances"]
    tries = {task["task_id"]: (task["state"], task["try_number"]) for task in found}
    assert ("failed", 1) == tries["ingest.events"]
    assert ("failed", 3) == tries["ingest.orders"]


def test_a_run_goes_on_when_the_file_that_it_waits_for_is_there(airflow: AirflowHome) -> None:
    run_id = airflow.trigger("waits")
    airflow.until(lambda: airflow.tasks("waits", run_id).get("wait_for.0") == "deferred", "the run waits")
    assert airflow.tasks("waits", run_id)["ingest.events"] not in {"running", "success"}

    airflow.project.write_file("include/workflows/waits/data/2025-01-01/_SUCCESS", "")

    ended = airflow.wait_for_run("waits", run_id)
    assert "success" == ended["state"], airflow.failures("waits", run_id)
    assert "success" == airflow.tasks("waits", run_id)["wait_for.1"]


@pytest.mark.parametrize("conf", [{"day": "31.1.2025"}, {"at": "noon"}, {"size": "xl"}, {"batch": 0}, {"batch": "5"}])
def test_a_param_that_does_not_fit_is_refused_by_rest_and_by_the_cli(
    airflow: AirflowHome, conf: dict[str, Any]
) -> None:
    [name] = conf

    with pytest.raises(ServiceError, match=f"answered 400: .*Invalid input for param {name}"):
        airflow.trigger("waits", conf=conf)
    said = airflow.command("airflow", "dags", "trigger", "waits", "--conf", json.dumps(conf), expect=1)
    assert f"Invalid input for param {name}" in said


def test_a_partition_of_one_workflow_starts_the_same_of_another(airflow: AirflowHome) -> None:
    airflow.wait_for_dag("daily")

    produced = airflow.run("daily", partition_key="2025-03-30")
    assert "success" == produced["state"], airflow.failures("daily", produced["dag_run_id"])

    def followers() -> list[Any]:
        return [run for run in airflow.runs("follows") if run["partition_key"] == "2025-03-30"]

    [started] = airflow.until(followers, "the follower is started")
    followed = airflow.wait_for_run("follows", started["dag_run_id"])
    assert "success" == followed["state"], airflow.failures("follows", followed["dag_run_id"])
    with open_history(airflow.project.settings().ops).read() as connection:
        record = find_run(connection, "follows", run_id=followed["dag_run_id"])
    assert record is not None
    assert record.window is not None
    assert timedelta(hours=23) == record.window.end - record.window.start


def test_rows_of_quarantine_are_there_once_after_two_replays_and_the_next_run(airflow: AirflowHome) -> None:
    def run_to_its_end() -> None:
        run = airflow.run("shop")
        assert "success" == run["state"], airflow.failures("shop", run["dag_run_id"])
        # Airflow tells of a run's end a moment after it.
        airflow.until(
            lambda: list_runs(open_history(settings.ops), workflow="shop")[0].status == "COMPLETED", "history knows it"
        )

    def loaded() -> list[tuple[int, float]]:
        with open_warehouse(settings, purpose="a test") as connection:
            query = "SELECT order_id, amount::double FROM staging_shop.orders ORDER BY ALL"
            return connection.execute(query).fetchall()

    def quarantine(*words: str) -> str:
        return airflow.command("dataflow", "quarantine", *words)

    settings = airflow.project.settings()
    run_to_its_end()
    assert [(1, 10), (4, 7.5)] == loaded()
    (record,) = list_quarantined(open_history(settings.ops), workflow="shop")
    mended = str(airflow.project.write_file("mended.csv", "_dataflow_row,amount\n1,5.00\n2,1.00\n"))

    assert "2 rows replayed" in quarantine("replay", str(record.id), "--corrected", mended)
    assert "was replayed already" in quarantine("replay", str(record.id), "--corrected", mended)
    whole = [(1, 10), (2, 5), (3, 1), (4, 7.5)]
    assert whole == loaded()

    run_to_its_end()

    assert whole == loaded()
    assert "Nothing waits in quarantine." in quarantine("list", "shop")

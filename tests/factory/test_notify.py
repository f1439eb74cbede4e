from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.factory.callbacks import run_ended
from dataflow.factory.deadline import deadline_alert, run_is_late
from dataflow.ops.history import open_history
from dataflow.ops.reading import anomalies_of
from dataflow.ops.stages import StageKey, begin_stage, end_stage, record_anomaly, record_checks
from dataflow.settings import current_settings
from kit.project import MOCK_CONFIG, Project
from kit.receivers import mail_receiver, web_receiver

if TYPE_CHECKING:
    from dataflow.ops.history import History

RUN = "manual__2025-01-02T00:00:00+00:00"


class House:
    """A workflow that tells, its run history, and what Airflow would call."""

    def __init__(self, project: Project, **config: Any) -> None:
        source = MOCK_CONFIG["sources"]["events"]
        names = ("events", "orders", "parcels")
        given = {**MOCK_CONFIG, "title": "The shop", "sources": dict.fromkeys(names, source)}
        project.write_workflow("shop", json.loads(json.dumps({**given, **config})))
        self.project = project
        self.workflow, self.settings = project.workflow("shop"), project.settings()
        self.history: History = open_history(self.settings.ops)
        self.history.create()

    def key(self, task: str, *, attempt: int = 1) -> StageKey:
        return StageKey(workflow="shop", run_id=RUN, stage="INGESTED", try_number=attempt, task_id=task)

    def task(self, task: str, *, attempt: int = 1, error: str = "", category: str = "STEP_ERROR") -> None:
        key = self.key(task, attempt=attempt)
        number = begin_stage(self.history, key)
        end_stage(self.history, number, outcome="failed" if error else "succeeded", message=error)
        if error:
            record_anomaly(self.history, key, category=category, message=error)

    def run_begins(self) -> None:
        from dataflow.runtime.window import window_of_run
        from kit.runs import Engine

        window_of_run(self.history, self.workflow, request=Engine(self.workflow).request(RUN))

    def run_ends(self, status: Any, *, clears: int = 0, reason: str = "task_failure", **of_run: Any) -> None:
        dag_run = SimpleNamespace(clear_number=clears, **of_run)
        context = {"run_id": RUN, "reason": reason, "dag_run": dag_run}
        run_ended(self.workflow, self.settings, status, context)


def connect(monkeypatch: pytest.MonkeyPatch, name: str, **connection: Any) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(connection))


def webhook(monkeypatch: pytest.MonkeyPatch, port: int, **given: Any) -> None:
    connect(monkeypatch, "team_hook", conn_type="http", host=f"http://127.0.0.1:{port}/hooks/T0", **given)


def test_a_webhook_gets_one_message_of_a_run_in_which_three_tasks_fail(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(project, notify=[{"events": ["failure"], "connection": "team_hook"}])
    house.run_begins()
    house.task("ingest.orders", error="the shop is closed", category="SHOP")
    house.task("ingest.events", error="a column is missing", category="DATA_QUALITY")
    house.task("ingest.parcels", error="no parcels")

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        house.run_ends("FAILED")
        house.run_ends("FAILED")  # Airflow may call it again

    [message] = receiver.got
    expected = {
        "event": "failure",
        "workflow": "shop",
        "title": "The shop",
        "owner": "tests",
        "run_id": RUN,
        "window": "2024-12-31T00:00:00+00:00/2025-01-01T00:00:00+00:00",
        "step": "ingest.orders",
        "category": "SHOP",
        "message": "the shop is closed",
        "link": "http://localhost:8080/dags/shop/runs/manual__2025-01-02T00%3A00%3A00%2B00%3A00",
        "details": [
            "ingest.events failed too: a column is missing",
            "ingest.parcels failed too: no parcels",
        ],
    }
    text = message.pop("text")
    assert {**expected, "window": message["window"]} == message
    assert text.startswith("The shop failed\nworkflow: shop\nowner: tests\n")
    assert "failed at: ingest.orders (SHOP)\nmessage: the shop is closed\n" in text


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # apprise's
def test_mail_and_apprise_say_the_same(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(
        project,
        notify=[
            {"events": "failure", "connection": "team_mail", "to": ["ada@example.com", "bob@example.com"]},
            {"events": "failure", "connection": "team_chat"},
        ],
    )
    house.run_begins()
    house.task("ingest.orders", error="a < b & c")

    with mail_receiver() as mails, web_receiver() as chat:
        extra = {"from_email": "airflow@example.com", "disable_ssl": True, "disable_tls": True, "timeout": 10}
        connect(monkeypatch, "team_mail", conn_type="smtp", host="127.0.0.1", port=mails.port, extra=extra)
        config = {"path": f"json://127.0.0.1:{chat.port}/"}
        connect(monkeypatch, "team_chat", conn_type="apprise", extra={"config": config})
        house.run_ends("FAILED")

    [mail], [line] = mails.got, chat.got
    assert mail["Subject"] == line["title"] == "The shop failed"
    assert "ada@example.com" in mail["To"]
    body = mail.get_body(("html",)).get_content()
    assert "failed at: ingest.orders (STEP_ERROR)\nmessage: a &lt; b &amp; c\n" in body
    assert "message: a < b & c" in line["message"]
    assert "failure" == line["type"]


def test_a_run_that_was_deleted_and_fails_again_under_its_id_is_told_again(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(project, notify=[{"events": ["failure"], "connection": "team_hook"}])
    house.run_begins()

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        for number in (1, 2):
            house.task("ingest.orders", error=f"the shop is closed for the {number}. time")
            house.run_ends("FAILED", start_date=datetime(2025, 1, number, tzinfo=UTC))
            house.run_ends("FAILED", start_date=datetime(2025, 1, number, tzinfo=UTC))

    told = [message["message"] for message in receiver.got]
    assert ["the shop is closed for the 1. time", "the shop is closed for the 2. time"] == told


def test_a_task_that_a_retry_mended_is_not_told(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(project, notify=[{"events": ["failure"], "connection": "team_hook"}])
    house.run_begins()
    house.task("ingest.orders", error="at first")
    house.task("ingest.events", error="for good")
    house.task("ingest.orders", attempt=2)

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        house.run_ends("FAILED")

    [message] = receiver.got
    assert ("ingest.events", []) == (message["step"], message["details"])


def test_a_run_that_is_cleared_is_told_of_again_with_what_is_new(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(project, notify=[{"events": ["failure", "success"], "connection": "team_hook"}])
    house.run_begins()
    house.task("ingest.orders", error="at first")

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        house.run_ends("FAILED")
        house.task("ingest.events", error="then")
        house.run_ends("FAILED", clears=1)
        house.run_ends("COMPLETED", clears=2)

    first, second, third = receiver.got
    assert ["ingest.orders", "ingest.events", ""] == [first["step"], second["step"], third["step"]]
    assert [] == second["details"]
    assert "The shop succeeded" == third["text"].splitlines()[0]


def test_a_task_that_was_killed_is_told_as_lost(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(project, notify=[{"events": ["failure"], "connection": "team_hook"}])
    house.run_begins()
    begin_stage(house.history, house.key("ingest.orders"))

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        house.run_ends("FAILED")

    [message] = receiver.got
    assert "ingest.orders" == message["step"]
    assert "began and never ended (killed or lost)" in message["message"]


def test_a_run_of_which_nothing_was_written_is_told_with_airflow_s_reason(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(project, notify=[{"events": ["failure"], "connection": "team_hook"}])

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        house.run_ends("FAILED", reason="timed_out")

    assert ["timed_out"] == [message["message"] for message in receiver.got]


@pytest.mark.parametrize(("events", "told"), [("anomaly", 1), ("success", 1), ("failure", 0), ("late", 0)])
def test_a_run_that_ends_well_though_checks_warned(
    project: Project, monkeypatch: pytest.MonkeyPatch, events: str, told: int
) -> None:
    house = House(project, deadline="1h", notify=[{"events": events, "connection": "team_hook"}])
    house.run_begins()
    outcome = {"name": "some", "kind": "row_count", "columns": [], "status": "warned", "on_fail": "warn"}
    outcome |= {"failures": 1, "rows": 0, "message": "0 rows"}
    key = StageKey(
        workflow="shop",
        run_id=RUN,
        stage="VALIDATED",
        try_number=1,
        task_id="validate.orders",
        table_name="orders",
    )
    record_checks(house.history, key, [outcome])

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        house.run_ends("COMPLETED")

    assert told == len(receiver.got)
    for message in receiver.got:
        assert ["orders.some: 0 rows"] == message["details"]
        assert "The shop succeeded with warnings" == message["text"].splitlines()[0]


def test_who_cannot_be_reached_keeps_nobody_from_hearing_and_its_address_stays_secret(
    project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = ["gone_hook", "team_hook", "no_sender", "not_there"]
    house = House(project, notify=[{"events": ["failure"], "connection": name} for name in names])
    house.run_begins()

    with web_receiver() as receiver:
        connect(monkeypatch, "gone_hook", conn_type="http", host="http://127.0.0.1:9/services/swordfish")
        connect(monkeypatch, "no_sender", conn_type="postgres")
        webhook(monkeypatch, receiver.port)
        house.run_ends("FAILED")

    assert 1 == len(receiver.got)
    told = [row["message"] for row in anomalies_of(house.history, "shop", run_id=RUN) if row["category"] == "NOTIFY"]
    expected = [
        "no message to gone_hook: ConnectionError",
        "no message to no_sender: a connection of type postgres sends nothing; use apprise, smtp, http",
        "no message to not_there: there is no such connection; `airflow connections add not_there`",
    ]
    assert expected == told
    assert "swordfish" not in caplog.text


def test_passwords_do_not_get_into_a_message(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(project, notify=[{"events": ["failure"], "connection": "team_hook"}])
    house.run_begins()
    house.task("ingest.orders", error="refused: https://ada:swordfish@example.com/?page=2&access_token=s3same")

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        house.run_ends("FAILED")

    [message] = receiver.got
    assert "refused: https://***@example.com/?page=2&access_token=***" == message["message"]
    assert "swordfish" not in message["text"]


def test_a_late_run_is_told_once_with_what_still_runs(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    house = House(project, deadline="90m", notify=[{"events": ["late", "failure"], "connection": "team_hook"}])
    house.run_begins()
    begin_stage(house.history, house.key("ingest.orders"))
    monkeypatch.setenv("DATAFLOW_PROJECT", str(project.root))
    current_settings.cache_clear()
    alert: Any = deadline_alert(house.workflow)
    context = {"dag_run": {"dag_id": "shop", "dag_run_id": RUN}, "deadline": {"id": "d-1"}}

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        for _ in range(2):  # a triggerer that is lost leaves its work to another
            asyncio.run(run_is_late(**json.loads(json.dumps(alert.callback.kwargs)), context=context))
    current_settings.cache_clear()

    [message] = receiver.got
    assert ("late", "not done 1h30m after it was queued") == (message["event"], message["message"])
    assert message["details"][0].startswith("ingest.orders runs since ")
    assert ["LATE"] == [row["category"] for row in anomalies_of(house.history, "shop", run_id=RUN)]


def test_a_workflow_without_a_deadline_has_no_alert(project: Project) -> None:
    assert deadline_alert(House(project).workflow) is None


@pytest.mark.parametrize(("events", "told"), [("schema", 1), ("anomaly", 1), ("failure", 0)])
def test_columns_that_changed_are_told(
    project: Project, monkeypatch: pytest.MonkeyPatch, events: str, told: int
) -> None:
    house = House(project, notify=[{"events": events, "connection": "team_hook"}])
    house.run_begins()
    said = 'orders: column "note" appeared, as VARCHAR'
    record_anomaly(
        house.history, house.key("ingest.orders"), category="SCHEMA_CHANGE", message=said, severity="warning"
    )

    with web_receiver() as receiver:
        webhook(monkeypatch, receiver.port)
        house.run_ends("COMPLETED")

    assert [[f"ingest.orders (SCHEMA_CHANGE): {said}"]] * told == [message["details"] for message in receiver.got]

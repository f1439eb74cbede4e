"""Steps of the author's, walked in this process."""

from __future__ import annotations

from typing import Any

import pytest

from dataflow.loading.load import load_workflow
from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.runtime.local.run import StepEvent, run_workflow
from dataflow.runtime.result import RunResult
from dataflow.testing.fake_api import FakeApi
from dataflow.warehouse.create import create_warehouse
from kit.project import MOCK_CONFIG, Project

STEPS = """
from __future__ import annotations

from dataflow import StepContext, StepResult


def enough_rows(ctx: StepContext) -> StepResult:
    rows = ctx.output("ingest.events").rows
    if rows < ctx.settings["least"]:
        return StepResult.fail(f"Too few records: {rows}", "QUALITY_GATE")
    return StepResult.ok()


def measure(ctx: StepContext, table: str = "events") -> StepResult:
    counted = ctx.sql(f"select count(*) from {table}").fetchone()[0]
    return StepResult.ok(output={"counted": counted, "batch": ctx.sql("from batch.events").fetchall()[0][0]})


def nosy(ctx: StepContext) -> StepResult:
    ctx.sql("select 1")
    return StepResult.ok()


def route(ctx: StepContext) -> str:
    return "many" if ctx.output("ingest.events").rows > 2 else "few"


def lost(ctx: StepContext) -> str:
    return "nowhere"


def note(ctx: StepContext) -> None:
    ctx.log.info("noted")


def fails(ctx: StepContext) -> StepResult:
    return StepResult.fail("It is closed", "SHOP_CLOSED")


def too_much(ctx: StepContext) -> StepResult:
    return StepResult.ok(output={"text": "x" * 20_000})


def a_list(ctx: StepContext) -> StepResult:
    return StepResult.ok(output=[1])


def says_nothing(ctx: StepContext) -> None:
    pass


def tells_its_key(ctx: StepContext) -> None:
    raise RuntimeError(f"login with {ctx.secret('SHOP_KEY')} failed")


def key_of_the_shop(ctx: StepContext) -> StepResult:
    return StepResult.ok(output={"length": len(ctx.secret("SHOP_KEY"))})
"""
FULL = {"full": {"type": "boolean", "default": False}}


class House:
    """Workflows whose steps a test writes; ``run`` runs one, ``events`` holds what it told."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.events: list[StepEvent] = []
        self.asked: list[str] = []

    def run(self, *steps: Any, answer: bool | None = None, params: dict[str, Any] | None = None) -> RunResult:
        config = {**MOCK_CONFIG, "settings": {"least": 5}, "params": FULL, "steps": list(steps)}
        self.project.write_workflow("shop", config, steps=STEPS)

        def ask(subject: str) -> bool | None:
            self.asked.append(subject)
            return answer

        workflow = load_workflow(self.project.root, "shop")
        return run_workflow(
            workflow, settings=self.project.settings(), params=params, progress=self.events.append, ask=ask
        )

    def states(self) -> dict[str, str]:
        return {event.task_id: event.state for event in self.events if event.state != "started"}

    def anomalies(self, run: RunResult) -> list[tuple[str, str]]:
        story = read_run(open_history(self.project.settings().ops), run.run_id)
        return [(row["category"], row["message"]) for row in story.anomalies]


@pytest.fixture
def house(project: Project) -> House:
    return House(project)


def test_steps_run_in_the_order_written_and_read_what_earlier_ones_returned(house: House) -> None:
    result = house.run("ingest", {"gate": "enough_rows"}, "transform", {"run": "measure"}, "publish")

    assert ("success", None) == (result.status, result.error)
    assert ("ingest.events", "enough_rows", "transform.events", "measure", "publish") == result.completed_steps


def test_a_gate_that_says_no_ends_the_run_and_nothing_after_it_runs(house: House) -> None:
    house.project.write_workflow("other")
    result = house.run("ingest", {"gate": "enough_rows"}, "transform", "publish")
    assert result.status == "success"

    few = {**MOCK_CONFIG["sources"]["events"], "rows": 3}
    config = {**MOCK_CONFIG, "settings": {"least": 5}, "sources": {"events": few}}
    config["steps"] = ["ingest", {"gate": "enough_rows"}, "transform", "publish"]
    house.project.write_workflow("shop", config, steps=STEPS)
    result = run_workflow(house.project.workflow("shop"), settings=house.project.settings())

    assert ("failed", "enough_rows", ("ingest.events",)) == (result.status, result.failed_step, result.completed_steps)
    assert ("QUALITY_GATE", "Too few records: 3") in house.anomalies(result)
    assert ("WORKFLOW_FAILURE", "enough_rows: Too few records: 3") in house.anomalies(result)


def test_a_gate_may_skip_the_rest_instead(house: House) -> None:
    result = house.run("ingest", {"gate": "fails", "otherwise": "skip"}, "transform", "publish")

    assert ("success", ("ingest.events", "fails")) == (result.status, result.completed_steps)
    assert [("SHOP_CLOSED", "skips the rest: It is closed")] == house.anomalies(result)
    assert {"transform.events": "skipped", "publish": "skipped"}.items() <= house.states().items()


def test_an_output_that_is_no_mapping_is_told_with_what_to_return(house: House) -> None:
    result = house.run("ingest", {"run": "a_list"}, "transform")

    assert "a_list: its output is a list; return a mapping: StepResult.ok(output={...})" == result.error


def test_a_gate_that_asks_for_more_than_the_run_is_told_the_rule(house: House) -> None:
    result = house.run("ingest", {"gate": "nosy"}, "transform", "publish")

    assert result.failed_step == "nosy"
    assert result.error is not None
    assert result.error.startswith("ctx.sql: a gate decides on ctx.output(...), ctx.params")


def test_a_gate_that_returns_nothing_is_an_error_that_says_what_to_return(house: House) -> None:
    result = house.run("ingest", {"gate": "says_nothing"}, "transform")

    assert result.error is not None
    assert "return StepResult.ok()" in result.error


@pytest.mark.parametrize(
    ("full", "ran", "skipped"), [(True, "then.note", "else.rebuild"), (False, "else.rebuild", "then.note")]
)
def test_a_choice_by_a_param_goes_one_way(house: House, *, full: bool, ran: str, skipped: str) -> None:
    ways = {"then": [{"run": "note"}], "else": [{"run": "note", "name": "rebuild"}]}
    result = house.run("ingest", {"choice": "how", "when": "params.full", **ways}, "transform", params={"full": full})

    assert result.status == "success"
    assert ("succeeded", "skipped") == (house.states()[ran], house.states()[skipped])
    assert house.states()["transform.events"] == "succeeded"


def test_a_choice_by_a_function_takes_the_branch_that_it_names(house: House) -> None:
    result = house.run("ingest", {"choice": "route", "branches": {"many": [{"run": "note"}], "few": []}}, "transform")

    assert result.completed_steps == ("ingest.events", "route", "many.note", "transform.events")


def test_a_choice_of_a_branch_that_is_not_there_fails(house: House) -> None:
    result = house.run("ingest", {"choice": "lost", "branches": {"many": [{"run": "note"}], "few": []}}, "transform")

    assert (result.failed_step, result.error) == ("lost", "steps:lost returned 'nowhere'; return one of many, few")


def test_branches_of_a_parallel_all_run(house: House) -> None:
    ways = {"left": [{"run": "note"}], "right": [{"run": "note"}]}
    result = house.run("ingest", {"parallel": ways}, "transform")

    assert result.completed_steps == ("ingest.events", "left.note", "right.note", "transform.events")


def test_a_step_that_fails_gives_its_own_category(house: House) -> None:
    result = house.run("ingest", {"run": "fails"}, "transform")

    assert (result.status, result.failed_step, result.error) == ("failed", "fails", "It is closed")
    assert ("SHOP_CLOSED", "It is closed") in house.anomalies(result)


def test_an_output_of_more_than_16_kb_is_refused(house: House) -> None:
    result = house.run("ingest", {"run": "too_much"}, "transform")

    assert result.error is not None
    assert result.error.startswith("too_much: its output is 200")


def test_an_approval_is_put_to_who_is_there_with_its_subject_rendered(house: House) -> None:
    subject = "Publish {{ window.start | date('%Y') }}?"
    result = house.run("ingest", "transform", {"approve": {"subject": subject}}, "publish", answer=True)

    assert result.status == "success"
    assert len(house.asked) == 1
    assert house.asked[0].startswith("Publish 20")


@pytest.mark.parametrize(("answer", "message"), [(False, "no: Well?"), (None, "nobody was there to answer: Well?")])
def test_an_approval_that_is_not_given_fails_the_run(house: House, *, answer: bool | None, message: str) -> None:
    result = house.run("ingest", "transform", {"approve": {"subject": "Well?"}}, "publish", answer=answer)

    assert (result.status, result.failed_step) == ("failed", "approve")
    assert ("APPROVAL", message) in house.anomalies(result)


def test_a_refused_approval_may_skip_the_rest_instead(house: House) -> None:
    asked = {"approve": {"subject": "Well?", "otherwise": "skip"}}
    result = house.run("ingest", "transform", asked, "publish", answer=False)

    assert result.status == "success"
    assert house.states()["publish"] == "skipped"
    assert [("APPROVAL", "skips the rest: no: Well?")] == house.anomalies(result)


def test_another_workflow_is_not_triggered_from_here_and_that_is_told(house: House) -> None:
    house.project.write_workflow("report")
    result = house.run("ingest", "transform", "publish", {"trigger": {"workflow": "report"}})

    assert result.status == "success"
    event = house.events[-1]
    assert ("trigger.report", "skipped", "report is started under Airflow only") == (
        event.task_id,
        event.state,
        event.message,
    )


def test_a_run_step_reads_a_secret_of_the_environment(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_KEY", "12345678")
    assert house.run("ingest", "transform", {"run": "key_of_the_shop"}).status == "success"

    monkeypatch.delenv("SHOP_KEY")
    result = house.run("ingest", "transform", {"run": "key_of_the_shop"})
    assert result.error == "ctx.secret('SHOP_KEY'): the variable is not set; set it where tasks run"


def test_a_secret_that_an_error_tells_is_hidden_before_anybody_writes_it_down(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_KEY", "swordfish-77")

    result = house.run("ingest", "transform", {"run": "tells_its_key"})

    assert "login with *** failed" in (result.error or "")
    assert "swordfish" not in f"{result} {house.events} {house.anomalies(result)}"


def test_a_workflow_may_be_steps_only(project: Project) -> None:
    config = {"description": "d", "owner": "o", "steps": [{"run": "note"}]}
    project.write_workflow("chores", config, steps=STEPS)

    result = run_workflow(project.workflow("chores"), settings=project.settings())

    assert (result.error, result.completed_steps) == (None, ("note",))


def test_a_python_source_has_secrets_connections_http_and_what_is_loaded(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    ingestion = """
def events(ctx):
    response = ctx.http.get(ctx.secret("SHOP_ADDRESS"), headers={"x-key": ctx.connection("shop").password})
    yield [{"id": each} for each in response.json()]
"""
    with FakeApi() as api:
        api.answer("/events", [1, 2, 3])
        monkeypatch.setenv("SHOP_ADDRESS", f"{api.url}/events")
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", '{"conn_type": "http", "password": "key-of-the-shop"}')
        source = {"type": "python", "windowed": True, "columns": {"id": "BIGINT"}}
        project.write_workflow("shop", {**MOCK_CONFIG, "sources": {"events": source}}, ingestion=ingestion)
        settings = project.settings()
        open_history(settings.ops).create()
        create_warehouse(settings, ["shop"])

        result = run_workflow(project.workflow("shop"), settings=settings)

    assert ("success", None) == (result.status, result.error)
    assert ["key-of-the-shop"] == [asked.headers["x-key"] for asked in api.asked]

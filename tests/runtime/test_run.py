"""One task of a run, as an engine starts it: receipts, damage, retries and what history keeps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import ContractError, FatalError, LandingError, RunSuperseded, StepError, TransientError
from dataflow.ops.history import open_history
from dataflow.ops.reading import RunStory, read_run
from dataflow.runtime.finish import finish_run
from dataflow.runtime.run import run_task
from dataflow.runtime.steps.dbt_run import after_dbt, before_dbt
from dataflow.spec.plan import Task
from dataflow.warehouse.builds import stamp
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.snapshot import current_snapshot
from kit.project import DAILY, Project
from kit.runs import Engine, days

EVENTS = {"type": "mock", "rows": 4, "columns": {"event_id": "BIGINT", "kind": "VARCHAR", "at": "TIMESTAMPTZ"}}
CHECKED = {"validate": {"events": [{"not_null": ["event_id"]}]}}


class House:
    """One workflow and an engine that runs its tasks one by one."""

    def __init__(self, project: Project, *, modules: dict[str, str] | None = None, **config: Any) -> None:
        project.write_workflow("shop", {**DAILY, "sources": {"events": EVENTS}, **config}, **(modules or {}))
        self.project = project
        self.settings = project.settings()
        self.workflow = project.workflow("shop")
        self.engine = Engine(self.workflow)
        self.outputs: dict[str, Any] = {}

    def request(self, task_id: str, run_id: str = "r", **given: Any):
        values = {"interval": days(0, 1), "task_id": task_id, "output": self.outputs.get} | given
        return self.engine.request(run_id, **values)

    def do(self, task_id: str, run_id: str = "r", **given: Any) -> dict[str, Any]:
        task = next(task for task in self.workflow.plan.tasks if task.id == task_id)
        self.outputs[task_id] = run_task(
            self.workflow, task, self.request(task_id, run_id, **given), settings=self.settings
        ).output
        return self.outputs[task_id]

    def do_all(self, run_id: str = "r", **given: Any) -> None:
        for task in self.workflow.plan.tasks:
            self.do(task.id, run_id, **given)

    def story(self, run_id: str = "r") -> RunStory:
        return read_run(open_history(self.settings.ops), run_id)


def test_receipts_say_what_was_made_and_where_it_lies(project):
    house = House(project, **CHECKED)
    house.do_all()
    ingested, validated, loaded, published = (house.outputs[task.id] for task in house.workflow.plan.tasks)

    assert ("events", 4, 4) == (ingested["table"], ingested["rows"], ingested["rows_in"])
    assert Path(ingested["uri"]).is_file()
    assert ingested["uri"] == validated["uri"]
    assert (4, 4) == (loaded["rows"], loaded["rows_in"])
    assert {"events": 4} == published["tables"]
    assert {"start": "2025-01-01T00:00:00+00:00", "end": "2025-01-02T00:00:00+00:00"} == published["window"]
    assert all(len(json.dumps(each)) < 1_000 for each in house.outputs.values())


@pytest.mark.parametrize(("config", "task_id"), [({}, "transform.events"), (CHECKED, "validate.events")])
def test_a_landed_file_that_was_changed_is_found_before_it_is_loaded(project, config, task_id):
    house = House(project, **config)
    receipt = house.do("ingest.events")
    part = next(Path(receipt["uri"]).parent.glob("*.parquet"))
    content = bytearray(part.read_bytes())
    content[len(content) // 2] ^= 1
    part.chmod(0o644)
    part.write_bytes(content)

    with pytest.raises(LandingError):
        house.do(task_id)

    assert ["LandingError"] == [each["metadata"]["error"] for each in house.story().anomalies]


def test_a_step_whose_input_is_not_there_names_the_task_to_clear(project):
    with pytest.raises(FatalError, match=r"ingest\.events left no batch in this run; clear it"):
        House(project).do("transform.events")


def test_a_second_try_reads_the_window_of_the_first(project):
    house = House(project)
    first = house.do("ingest.events")
    second = house.do("ingest.events", try_number=2, interval=days(5, 6))

    assert first["window"] == second["window"]
    assert [1, 2] == [stage.try_number for stage in house.story().stages if stage.stage == "INGESTED"]


def test_a_task_that_ran_again_loads_the_same_rows(project):
    house = House(project)
    house.do_all()
    house.do("transform.events", try_number=2)
    house.do("publish", try_number=2)

    assert {"events": 4} == current_snapshot(house.settings, "shop").tables


@pytest.mark.parametrize(
    ("raised", "kind", "category"),
    [
        ("ValueError('x')", StepError, "STEP_ERROR"),
        ("TransientError('x')", TransientError, "STEP_ERROR"),
        ("FatalError('x')", FatalError, "STEP_ERROR"),
        ("ContractError('x')", ContractError, "DATA_QUALITY"),
        ("StepError('x', category='LATE_BANK')", StepError, "LATE_BANK"),
    ],
)
def test_an_error_keeps_its_kind_and_history_its_category(project, raised, kind, category):
    code = f"from dataflow import *\n\n\ndef events(ctx, events):\n    raise {raised}\n"
    house = House(project, transform={"events": [{"python": "events"}]}, modules={"transform": code})
    house.do("ingest.events")
    with pytest.raises(StepError) as caught:
        house.do("transform.events")
    stage = house.story().stages[-1]

    assert kind is type(caught.value)
    assert [category] == [each["category"] for each in house.story().anomalies]
    assert ("failed", str(caught.value)) == (stage.state, stage.message)


def test_a_task_that_its_engine_ends_is_written_as_failed(project):
    code = "def events(ctx, events):\n    raise KeyboardInterrupt\n"
    house = House(project, transform={"events": [{"python": "events"}]}, modules={"transform": code})
    house.do("ingest.events")
    with pytest.raises(KeyboardInterrupt):
        house.do("transform.events")

    assert "ended from outside: KeyboardInterrupt" == house.story().stages[-1].message


def test_what_a_killed_try_left_in_scratch_goes_with_the_next(project):
    house = House(project, transform={"events": [{"filter": "true"}]})
    house.do("ingest.events")
    left = house.settings.scratch / "shop" / "somewhere"
    left.mkdir(parents=True)
    house.do("transform.events")
    from dataflow.landing.keys import run_key

    of_run = house.settings.scratch / "shop" / run_key("r")
    (of_run / "transform.events-1").mkdir(parents=True)
    (of_run / "transform.events-1" / "huge.parquet").write_text("x")
    house.do("transform.events", try_number=2)

    assert not of_run.exists()
    assert left.exists()


def test_a_superseded_run_does_nothing_in_any_task(project):
    house = House(project, schedule={"assets": ["warehouse/origin/events"]}) if _with_origin(project) else None
    house.do_all("first", run_after=days(0, 5).end, interval=None, kind="asset")
    house.engine.states["first"] = "success"
    rows = current_snapshot(house.settings, "shop").run_id

    for task in house.workflow.plan.tasks:
        with pytest.raises(RunSuperseded):
            house.do(task.id, "late", run_after=days(0, 4).end, interval=None, kind="asset")

    assert rows == current_snapshot(house.settings, "shop").run_id
    assert ("SUPERSEDED", ()) == (house.story("late").run.status, house.story("late").stages[1:])


def _with_origin(project: Project) -> bool:
    project.write_workflow("origin")
    return True


def test_an_older_replace_is_skipped_and_told(project):
    source = {"type": "python", "columns": {"n": "BIGINT"}}
    code = "def events(ctx):\n    yield [{'n': ctx.params.get('n', 0)}]\n"
    house = House(project, sources={"events": source | {"windowed": False}}, modules={"ingestion": code})
    house.do("ingest.events", "new", interval=days(3, 4))
    house.do("transform.events", "new", interval=days(3, 4))
    house.do("ingest.events", "old", interval=days(1, 2))
    receipt = house.do("transform.events", "old", interval=days(1, 2))

    assert receipt["skipped"]
    assert "skipped" == house.story("old").stages[-1].state


def test_before_dbt_gives_dbt_its_run_and_its_window(project):
    house = House(project)
    request = house.request("dbt.dbt_producer_watcher")
    environment = before_dbt(house.workflow, house.settings, request)
    open_stages = [stage.state for stage in house.story().stages if stage.stage == "MODELLED"]
    after_dbt(house.workflow, house.settings, request)
    after_dbt(house.workflow, house.settings, request)

    assert {
        "DATAFLOW_WINDOW_START": "2025-01-01T00:00:00+00:00",
        "DATAFLOW_WINDOW_END": "2025-01-02T00:00:00+00:00",
        "DATAFLOW_RUN_ID": "r",
    } == environment
    assert (["running"], "succeeded") == (open_stages, house.story().stages[-1].state)


def test_a_dbt_invocation_that_failed_is_kept_with_its_reason(project):
    house = House(project)
    request = house.request("dbt.orders.run")
    before_dbt(house.workflow, house.settings, request)
    after_dbt(house.workflow, house.settings, request, error="model orders: no such column")

    assert ("failed", "model orders: no such column") == (
        house.story().stages[-1].state,
        house.story().anomalies[0]["message"],
    )


def test_only_the_run_that_built_the_models_last_publishes(project):
    """Run N+1 fails its dbt test, then N's publish is cleared: the snapshot stays as it is."""
    house = House(project)
    modelled = replace(house.workflow, models=("events",))
    publish = house.workflow.plan.tasks[-1]
    house.do("ingest.events")
    house.do("transform.events")
    for built_by in ("r", "next"):
        with open_warehouse(house.settings, purpose="test") as connection:
            stamp(connection, "shop", built_by)
        if built_by == "r":
            run_task(modelled, publish, house.request("publish"), settings=house.settings)
    before = current_snapshot(house.settings, "shop")

    with pytest.raises(RunSuperseded):
        run_task(modelled, publish, house.request("publish", try_number=2), settings=house.settings)

    assert before == current_snapshot(house.settings, "shop")
    assert ("skipped", 2) == (house.story().stages[-1].state, house.story().stages[-1].try_number)


def test_the_dbt_group_is_no_task_of_ours(project):
    house = House(project)

    with pytest.raises(FatalError, match="dbt is a dbt step"):
        run_task(house.workflow, Task("dbt", "dbt", None, ()), house.request("dbt"), settings=house.settings)


def test_the_end_of_a_run_is_written_once_for_each_time_it_was_cleared(project):
    house = House(project)
    house.do_all()
    for clear_number in (0, 0, 1):
        finish_run("shop", "r", status="FAILED", reason="x", try_number=clear_number, settings=house.settings)
    finish_run("shop", "r", status="COMPLETED", reason="", try_number=2, settings=house.settings)
    story = house.story()

    assert "COMPLETED" == story.run.status
    assert [("FAILED", 0), ("FAILED", 1), ("COMPLETED", 2)] == [
        (stage.stage, stage.try_number) for stage in story.stages if stage.stage in ("FAILED", "COMPLETED")
    ]
    assert ["WORKFLOW_FAILURE"] * 2 == [each["category"] for each in story.anomalies]


def test_the_end_of_a_run_that_never_had_a_task_is_written_too(project):
    house = House(project)
    finish_run("shop", "never", status="FAILED", reason="no task started", try_number=0, settings=house.settings)
    house.do("ingest.events", "never")

    assert ["FAILED", "STARTED", "INGESTED"] == [stage.stage for stage in house.story("never").stages]

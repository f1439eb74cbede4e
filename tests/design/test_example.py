"""The example that describes the product: it validates, and with its sources pointed at fakes it runs green."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from dataflow.interval import Interval
from dataflow.linting.lint import lint
from dataflow.ops.history import open_history
from dataflow.runtime.local.run import StepEvent, run_workflow
from dataflow.warehouse.create import create_warehouse
from kit.example import SOUND, TOKEN, Fakes, outcome_of, write_example

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = Interval(datetime(2025, 1, 5, tzinfo=UTC), datetime(2025, 1, 6, tzinfo=UTC))


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    with ExitStack() as open_:
        yield Fakes(DAY.start, open_=open_)


def test_the_example_is_sound(tmp_path: Path) -> None:
    project = write_example(tmp_path / "project")

    registry = project.registry()
    told = lint(registry, project.settings(), variables={"ORDERS_TOKEN": "x"})

    assert () == registry.problems
    uncompiled = [each for each in told if "compile" not in each.hint + each.message]
    assert [] == uncompiled
    assert {"shop", "shop_report"} == registry.workflows.keys()


@pytest.mark.slow
@pytest.mark.postgres
def test_the_example_runs_green_here(tmp_path: Path, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fakes.environment().items():
        monkeypatch.setenv(name, value)
    project = write_example(tmp_path / "project")
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["shop"])
    events: list[StepEvent] = []

    result = run_workflow(
        project.workflow("shop"), settings=settings, window=DAY, progress=events.append, ask=lambda _: True
    )

    assert ("success", None) == (result.status, result.error), events
    skipped = {event.task_id for event in events if event.state == "skipped"}
    assert {"then.rebuild", "monthly.monthly"} <= skipped
    assert skipped <= {"then.rebuild", "monthly.monthly", "trigger.shop_report", "wait_for.0"}
    assert {f"Bearer {TOKEN}"} == {asked.headers["authorization"] for asked in fakes.api.asked}
    first = fakes.api.asked[0].query
    assert "500" == first["limit"]
    assert {"updated_since", "updated_before"} <= first.keys()
    assert SOUND == outcome_of(project, fakes)

"""A new file starts a run: what the trigger tells, and what it remembers once Airflow has stored it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest
from airflow.sdk import Asset
from airflow.triggers.shared_stream import AdvanceItem, AdvanceOutcome

from dataflow.errors import FatalError
from dataflow.factory import file_arrivals
from dataflow.factory.dag import build_dag
from dataflow.factory.file_arrivals import FileArrivals, Producer
from kit.project import MOCK_CONFIG, Project

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

STORED, LOST = AdvanceOutcome(acked=1, failed=0), AdvanceOutcome(acked=0, failed=1)


class State:
    """What Airflow keeps with an asset, without Airflow."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.fails = False

    async def aget(self, key: str, default: Any = None) -> Any:
        if self.fails:
            raise RuntimeError("the API server is away")
        return self.kept.get(key, default)

    async def aset(self, key: str, value: Any) -> None:
        self.kept[key] = value


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def producer_of(state: State, tmp_path: Path) -> Callable[[], Producer]:
    def make() -> Producer:
        producer = Producer(asset="file/orders", file=f"{tmp_path}/*.csv", poke_interval=0.01)
        producer._state = state  # type: ignore[assignment]  # Airflow's own asks its API
        return producer

    return make


async def next_of(stream: AsyncIterator[Any], *, seconds: float = 5) -> Any:
    return await asyncio.wait_for(anext(stream), seconds)


async def nothing_comes(stream: AsyncIterator[Any]) -> bool:
    try:
        await asyncio.wait_for(anext(stream), 0.2)
    except TimeoutError:
        return True
    return False


def told(event: Any, folder: Path) -> list[str]:
    return [name.removeprefix(f"{folder}/") for name in event["files"]]


def test_new_and_rewritten_files_are_told_once_each(producer_of: Callable[[], Producer], tmp_path: Path) -> None:
    async def look() -> list[list[str]]:
        seen = []
        (tmp_path / "a.csv").write_text("1")
        async with aclosing(producer_of().open_stream()) as stream:  # type: ignore[type-var]
            seen.append(told((await next_of(stream))[0], tmp_path))
            (tmp_path / "b.csv").write_text("1")
            (tmp_path / "c.csv").write_text("1")
            (tmp_path / "c.txt").write_text("1")
            first = told((await next_of(stream))[0], tmp_path)
            seen.append(sorted(first if len(first) == 2 else first + told((await next_of(stream))[0], tmp_path)))
            (tmp_path / "a.csv").write_text("another")
            seen.append(told((await next_of(stream))[0], tmp_path))
            assert await nothing_comes(stream)
        return seen

    assert [["a.csv"], ["b.csv", "c.csv"], ["a.csv"]] == asyncio.run(look())


def test_what_airflow_stored_is_not_told_again_by_the_next_triggerer(
    producer_of: Callable[[], Producer], state: State, tmp_path: Path
) -> None:
    async def look() -> None:
        (tmp_path / "a.csv").write_text("1")
        producer = producer_of()
        async with aclosing(producer.open_stream()) as stream:  # type: ignore[type-var]
            _, seen = await next_of(stream)
            await producer.advance([AdvanceItem(seen, STORED)])
        async with aclosing(producer_of().open_stream()) as stream:  # type: ignore[type-var]
            assert await nothing_comes(stream)
        (tmp_path / "b.csv").write_text("1")
        async with aclosing(producer_of().open_stream()) as stream:  # type: ignore[type-var]
            assert ["b.csv"] == told((await next_of(stream))[0], tmp_path)

    asyncio.run(look())


def test_what_airflow_did_not_store_is_told_again_by_the_next_triggerer(
    producer_of: Callable[[], Producer], state: State, tmp_path: Path
) -> None:
    async def look() -> None:
        (tmp_path / "a.csv").write_text("1")
        producer = producer_of()
        async with aclosing(producer.open_stream()) as stream:  # type: ignore[type-var]
            _, seen = await next_of(stream)
            await producer.advance([AdvanceItem(seen, LOST)])
        assert {} == state.kept
        async with aclosing(producer_of().open_stream()) as stream:  # type: ignore[type-var]
            assert ["a.csv"] == told((await next_of(stream))[0], tmp_path)

    asyncio.run(look())


def test_a_file_that_is_still_written_is_not_told(
    producer_of: Callable[[], Producer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[dict[str, str]] = [{"a": "1"}, {"a": "2"}, {"a": "3"}, {"a": "3"}]
    versions = iter(looks)
    monkeypatch.setattr("dataflow.sources.files.arrivals.versions_at", lambda _: next(versions))

    async def look() -> None:
        async with aclosing(producer_of().open_stream()) as stream:  # type: ignore[type-var]
            await next_of(stream)

    asyncio.run(look())
    assert [] == list(versions)


def test_a_file_that_comes_back_is_new(producer_of: Callable[[], Producer], monkeypatch: pytest.MonkeyPatch) -> None:
    versions = iter([{"a": "1"}, {"a": "1"}, {}, {"a": "1"}, {"a": "1"}])
    monkeypatch.setattr("dataflow.sources.files.arrivals.versions_at", lambda _: next(versions))

    async def look() -> list[Any]:
        async with aclosing(producer_of().open_stream()) as stream:  # type: ignore[type-var]
            return [(await next_of(stream))[0]["files"], (await next_of(stream))[0]["files"]]

    assert [["a"], ["a"]] == asyncio.run(look())


def test_a_place_or_an_airflow_that_is_away_for_a_while_stops_nothing(
    producer_of: Callable[[], Producer], state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([OSError("away"), FatalError("no such connection"), {"a": "1"}, {"a": "1"}])

    def look_up(_: str) -> dict[str, str]:
        state.fails = False
        found = next(looks)
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr("dataflow.sources.files.arrivals.versions_at", look_up)

    async def look() -> Any:
        state.fails = True
        asyncio.get_running_loop().call_later(0.05, lambda: setattr(state, "fails", False))
        async with aclosing(producer_of().open_stream()) as stream:  # type: ignore[type-var]
            return (await next_of(stream))[0]

    assert {"files": ["a"], "number": 1} == asyncio.run(look())


def test_an_event_names_few_of_many_files(producer_of: Callable[[], Producer], tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number:02}.csv").write_text("1")

    async def look() -> Any:
        async with aclosing(producer_of().open_stream()) as stream:  # type: ignore[type-var]
            return (await next_of(stream))[0]

    event = asyncio.run(look())
    assert (20, 50) == (len(event["files"]), event["number"])


def test_each_workflow_watches_with_an_asset_of_its_own(project: Project) -> None:
    schedule = {"file": "inbox/*.csv", "poke_interval": "30s"}
    for name in ("orders", "returns"):
        project.write_workflow(name, {**MOCK_CONFIG, "schedule": schedule})

    assets = [build_dag(project.workflow(name), project.settings()).timetable for name in ("orders", "returns")]

    watched: list[Asset] = [timetable.asset_condition for timetable in assets]  # type: ignore[attr-defined]
    assert ["file/orders", "file/returns"] == [asset.name for asset in watched]
    [watcher] = watched[0].watchers
    assert isinstance(watcher.trigger, FileArrivals)
    path, arguments = watcher.trigger.serialize()
    assert f"{file_arrivals.__name__}.FileArrivals" == path
    folder = project.folder("orders")
    assert {"asset": "file/orders", "file": f"{folder}/inbox/*.csv", "poke_interval": 30.0} == arguments


def test_a_reference_is_resolved_where_it_is_looked_and_not_kept(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.write_workflow("orders", {**MOCK_CONFIG, "schedule": {"file": "${INBOX_OF_TEST}/*.csv"}})
    monkeypatch.setenv("INBOX_OF_TEST", str(tmp_path))
    (tmp_path / "a.csv").write_text("1")

    asset: Any = build_dag(project.workflow("orders"), project.settings()).timetable
    arguments = asset.asset_condition.watchers[0].trigger.serialize()[1]

    assert "${INBOX_OF_TEST}/*.csv" == arguments["file"]
    found, _ = Producer(**arguments)._look()
    assert [f"{tmp_path}/a.csv"] == list(found)

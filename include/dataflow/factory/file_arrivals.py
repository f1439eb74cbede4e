"""A new file starts a run: Airflow's event trigger for it, which looks, tells and remembers, and deletes nothing.

What was told is kept in the state of the asset, and only once Airflow has stored the event: a triggerer that dies
between the two tells again. So every version of a file is followed by at least one run, and none is lost.
"""

from __future__ import annotations

import asyncio
import glob
from typing import TYPE_CHECKING, Any

import structlog
from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent
from airflow.triggers.shared_stream import SharedStreamProducer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from airflow.triggers.shared_stream import AdvanceItem

    from dataflow.loading.workflow import Workflow
    from dataflow.spec.schedule import FileSchedule

__all__ = ["FileArrivals", "Producer", "arrivals_of"]

SEEN = "seen"
"""The key in the asset's state: the version of each file that was told."""
TOLD = 20
"""So many names go with an event; the number of all does."""

log = structlog.get_logger(__name__)


def arrivals_of(workflow: Workflow, schedule: FileSchedule) -> Asset:
    """Give the asset that a new file updates; each workflow has its own, for each has seen its own."""
    name = f"file/{workflow.name}"
    place = schedule.file
    if "://" not in place and not place.startswith(("/", "${")):
        # The folder's own name may hold what a glob reads.
        place = f"{glob.escape(str(workflow.folder))}/{place}"
    trigger = FileArrivals(asset=name, file=place, poke_interval=schedule.poke_interval.total_seconds())
    return Asset(name, watchers=[AssetWatcher(name="files", trigger=trigger)])


class FileArrivals(BaseEventTrigger):
    """Fires when files at a place are new or rewritten."""

    def __init__(self, *, asset: str, file: str, poke_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.asset = asset
        self.file = file
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what the triggerer makes it of: references stay references."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {"asset": self.asset, "file": self.file, "poke_interval": self.poke_interval}

    def shared_stream_key(self) -> tuple[str, ...]:
        """Give what makes the triggerer tell the `Producer` which events it has stored: a stream, here of its own."""
        return ("dataflow.file_arrivals", self.asset, self.file)

    @classmethod
    def create_shared_stream_producer(cls, kwargs: dict[str, Any]) -> SharedStreamProducer:
        """Give who looks."""
        return Producer(**kwargs)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Any]) -> AsyncIterator[TriggerEvent]:
        """Tell all that was seen."""
        async for arrived in shared_stream:
            yield TriggerEvent(arrived)  # type: ignore[no-untyped-call]

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Never: the triggerer takes the stream.

        Raises:
            NotImplementedError: always.
        """
        raise NotImplementedError("a stream of its own tells of arrivals")
        yield


class Producer(SharedStreamProducer):
    """Looks again and again at one place, and writes down what Airflow knows of."""

    def __init__(self, *, asset: str, file: str, poke_interval: float) -> None:
        from airflow.sdk.execution_time.context import AssetStateStoreAccessor

        self._asset = asset
        self._file = file
        self._pause = poke_interval
        self._state = AssetStateStoreAccessor(name=asset)

    async def open_stream(self) -> AsyncIterator[tuple[dict[str, Any], dict[str, str]]]:
        """Give an event for what is new at a look, with what is then seen; whatever fails is tried again."""
        told: dict[str, str] | None = None
        before: dict[str, str] = {}
        while True:
            try:
                if told is None:
                    told = dict(await self._state.aget(SEEN, default={}) or {})  # type: ignore[arg-type]
                now, settled = await asyncio.to_thread(self._look)
            except Exception as exc:  # noqa: BLE001  # a watch that ends would start nothing more
                log.warning("cannot look for new files", asset=self._asset, file=self._file, error=_said(exc))
            else:
                whole = now if settled else {name: each for name, each in now.items() if before.get(name) == each}
                before = now
                new = sorted(name for name, each in whole.items() if told.get(name) != each)
                # Who left is forgotten: a file that comes back is new.
                told = {name: each for name, each in told.items() if name in now} | whole
                if new:
                    log.info("new files", asset=self._asset, file=self._file, number=len(new))
                    yield {"files": new[:TOLD], "number": len(new)}, told
            await asyncio.sleep(self._pause)

    async def advance(self, batch: Sequence[AdvanceItem]) -> None:
        """Remember what was told: Airflow has stored the events."""
        stored = [each.broker_payload for each in batch if each.outcome.is_clean]
        if len(stored) == len(batch):
            await self._state.aset(SEEN, stored[-1])

    def _look(self) -> tuple[dict[str, str], bool]:
        """List the place; in a thread, for the disk or the network may take its time."""
        from dataflow import connections
        from dataflow.errors import FatalError
        from dataflow.factory.tasks import airflow_connection, resolve_reference
        from dataflow.runtime.render import Values, render
        from dataflow.sources.files.arrivals import is_settled_when_seen, versions_at

        connections.look_up_with(airflow_connection)
        values = Values(window=None, run_id="", resolve=resolve_reference)
        place = render(self._file, values=values, key="schedule.file")
        if not place.startswith(("/", "s3://")):
            raise FatalError("schedule.file: what its reference gives begins neither with / nor with s3://")
        return versions_at(place), is_settled_when_seen(place)


def _said(error: Exception) -> str:
    from dataflow.masking import mask_error

    mask_error(error)
    return f"{type(error).__name__}: {error}"

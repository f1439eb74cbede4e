"""What the triggerer watches for a waiting task: an address, or objects in S3."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from dataflow import connections
from dataflow.errors import FatalError, TransientError
from dataflow.factory.tasks import airflow_connection
from dataflow.http.policy import HostPolicy
from dataflow.http.probe import answers
from dataflow.s3.matching import there_is
from dataflow.s3.place import S3Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["AddressTrigger", "ObjectTrigger"]


class WatchTrigger(BaseTrigger):
    """Looks every ``poke_interval`` seconds until what is waited for is there."""

    def __init__(self, *, poke_interval: float, **given: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.poke_interval = poke_interval
        self.given = given

    @abstractmethod
    def look(self) -> bool:
        """Tell whether it is there now; runs in a thread.

        Raises:
            TransientError: when nobody could look; the next look may.
            FatalError: when no look will ever find it.
        """

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what the triggerer makes it of; Airflow keeps it encrypted."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {**self.given, "poke_interval": self.poke_interval}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Fire once: as a success when it is there, as an error when it never will be."""
        yield TriggerEvent(await self._end())  # type: ignore[no-untyped-call]

    async def _end(self) -> dict[str, str]:
        while True:
            try:
                # In a thread: the triggerer watches many things at once.
                if await asyncio.to_thread(self.look):
                    return {"status": "success"}
                self.log.info("not there yet")
            except TransientError as error:
                self.log.warning("%s", error)
            except FatalError as error:
                return {"status": "error", "message": str(error)}
            await asyncio.sleep(self.poke_interval)


class AddressTrigger(WatchTrigger):
    """Fires when an address answers with success.

    Airflow's own takes the host of a connection, and asks again without a pause when a server answers with an error.
    """

    def __init__(self, address: str, poke_interval: float, allowed_hosts: str = "") -> None:
        super().__init__(poke_interval=poke_interval, address=address, allowed_hosts=allowed_hosts)
        self.address = address
        self.policy = HostPolicy.parse(allowed_hosts)

    def look(self) -> bool:
        """Ask once."""
        return answers(self.address, self.policy)


class ObjectTrigger(WatchTrigger):
    """Fires when an object in S3 matches.

    Airflow's own matches otherwise than our first look does: its ``*`` crosses folders, its ``**/`` needs one.
    """

    def __init__(self, place: str, poke_interval: float) -> None:
        super().__init__(poke_interval=poke_interval, place=place)
        self.place = S3Place.parse(place)

    def look(self) -> bool:
        """List once."""
        connections.look_up_with(airflow_connection)
        return there_is(self.place)

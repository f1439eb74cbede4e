"""What the triggerer watches for a waiting task: an address, or objects in S3."""

from __future__ import annotations

import asyncio
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


class AddressTrigger(BaseTrigger):
    """Fires when an address answers with success.

    Airflow's own takes the host of a connection, and asks again without a pause when a server answers with an error.
    """

    def __init__(self, address: str, poke_interval: float, allowed_hosts: str = "") -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.address = address
        self.allowed_hosts = allowed_hosts
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what the triggerer makes it of; Airflow keeps it encrypted."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        given = {"address": self.address, "poke_interval": self.poke_interval, "allowed_hosts": self.allowed_hosts}
        return path, given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until the answer is a success."""
        policy = HostPolicy.parse(self.allowed_hosts)
        while True:
            try:
                # In a thread: the triggerer watches many things at once.
                there = await asyncio.to_thread(answers, self.address, policy)
            except FatalError as error:
                yield TriggerEvent({"status": "error", "message": str(error)})  # type: ignore[no-untyped-call]
                return
            if there:
                yield TriggerEvent({"status": "success"})  # type: ignore[no-untyped-call]
                return
            self.log.info("not there yet")
            await asyncio.sleep(self.poke_interval)


class ObjectTrigger(BaseTrigger):
    """Fires when an object in S3 matches.

    Airflow's own matches otherwise than our first look does: its ``*`` crosses folders, its ``**/`` needs one.
    """

    def __init__(self, place: str, poke_interval: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.place = place
        self.poke_interval = poke_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Give what the triggerer makes it of; Airflow keeps it encrypted."""
        path = f"{type(self).__module__}.{type(self).__qualname__}"
        return path, {"place": self.place, "poke_interval": self.poke_interval}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until there is one."""
        connections.look_up_with(airflow_connection)
        place = S3Place.parse(self.place)
        while True:
            try:
                there = await asyncio.to_thread(there_is, place)
            except TransientError as error:
                there = False
                self.log.warning("%s", error)
            except FatalError as error:
                yield TriggerEvent({"status": "error", "message": str(error)})  # type: ignore[no-untyped-call]
                return
            if there:
                yield TriggerEvent({"status": "success"})  # type: ignore[no-untyped-call]
                return
            self.log.info("not there yet")
            await asyncio.sleep(self.poke_interval)

"""Who is told how runs end, and when a run is late."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from dataflow.spec.base import Duration, Spec, as_list

__all__ = ["ADDRESS_PATTERN", "CONNECTION_PATTERN", "Deadline", "Event", "GivenDeadline", "Notify"]

ADDRESS_PATTERN = r"^[^\s@,]+@[^\s@,]+$"
CONNECTION_PATTERN = r"^[A-Za-z0-9_.-]+$"

Address = Annotated[str, Field(pattern=ADDRESS_PATTERN)]
Event = Literal["success", "failure", "late", "anomaly", "schema"]


def _not_an_address(value: Any) -> Any:
    if isinstance(value, str) and "://" in value:
        # The address of a webhook is its secret; a message that repeats it would show it.
        raise ValueError("an address stands here; put it into an Airflow connection, and name that by its id")
    return value


class Notify(Spec):
    """Tell somebody: one message for each run and connection, whatever happened in the run."""

    events: Annotated[
        tuple[Event, ...],
        Field(min_length=1),
        BeforeValidator(as_list, json_schema_input_type=Event | tuple[Event, ...]),
    ]
    """``failure``: it failed. ``late``: it passed its ``deadline``. ``anomaly``: checks warned, an ``anomaly`` check
    failed it, or columns changed. ``schema``: columns of a source came, went or changed their type. ``success``: it
    ended.
    """
    connection: Annotated[str, BeforeValidator(_not_an_address), Field(pattern=CONNECTION_PATTERN)]
    """Id of an Airflow connection: apprise, smtp, or http for a webhook."""
    to: Annotated[
        tuple[Address, ...], BeforeValidator(as_list, json_schema_input_type=Address | tuple[Address, ...])
    ] = ()
    """Addresses, for ``smtp``; without them the connection's extra ``to``."""


class Deadline(Spec):
    """When a run is late. It goes on; run history and those who want to hear of it are told."""

    within: Duration
    """How long it may take."""
    of: Literal["queued", "logical_date"] = "queued"
    """From when: ``queued``, when the run came into being; ``logical_date``, the begin of a tick's window."""

    @model_validator(mode="after")
    def _is_some_time(self) -> Self:
        if self.within <= timedelta(0):
            raise ValueError("a run needs some time; write a deadline such as 2h")
        return self


def _deadline(value: Any) -> Any:
    return {"within": value} if isinstance(value, str) else value


GivenDeadline = Annotated[Deadline, BeforeValidator(_deadline, json_schema_input_type=str | Deadline)]
"""``2h`` is short for ``{within: 2h, of: queued}``."""

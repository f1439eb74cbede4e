"""What a run waits for before its first step."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import Field, model_validator

from dataflow.s3.place import S3Place
from dataflow.spec.base import Duration, Spec, Text
from dataflow.spec.notify import CONNECTION_PATTERN
from dataflow.spec.resolved import RenderedSql, ResolvedText

__all__ = ["WAIT_KINDS", "Waiting", "bucket_of", "wait_kind", "waiting_of"]

WAIT_KINDS = ("file", "http", "sql", "python")


class Waiting(Spec):
    """One thing that must be there: exactly one kind, and beside it how long to wait."""

    file: ResolvedText | None = None
    """A path or glob: beside the config, anywhere on the machines, or ``s3://connection@bucket/key``; may hold
    templates and references."""
    http: ResolvedText | None = None
    """An address that answers with success; may hold templates and references."""
    sql: RenderedSql | None = None
    """A query whose first value is there and true; may hold templates. Needs ``connection``."""
    python: Text | None = None
    """A function of ``steps.py`` that says whether to go on."""

    connection: Annotated[str, Field(pattern=CONNECTION_PATTERN)] | None = None
    """Of ``sql``: the Airflow connection of its database."""
    timeout: Duration = timedelta(days=1)
    """After so long the run fails."""
    poke_interval: Duration = timedelta(minutes=1)
    """How often to look."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in WAIT_KINDS if getattr(self, kind) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"a run waits for exactly one of {', '.join(WAIT_KINDS)}; found {found}")
        if (self.sql is None) != (self.connection is None):
            raise ValueError("`sql` and `connection` go together; the query runs in that database")
        if min(self.timeout, self.poke_interval) <= timedelta(0):
            raise ValueError("waiting takes some time; give `timeout` and `poke_interval` such as 6h and 1m")
        return self


def waiting_of(wait_for: tuple[Waiting, ...], task_id: str) -> Waiting:
    """Give the item that a task ``wait_for.<n>`` waits for."""
    return wait_for[int(task_id.rpartition(".")[2])]


def wait_kind(waiting: Waiting) -> str:
    """Give the one kind that is set."""
    return next(kind for kind in WAIT_KINDS if getattr(waiting, kind) is not None)


def bucket_of(path: str) -> S3Place | None:
    """Read ``s3://connection@bucket/key``; None for any other path, and for a whole bucket."""
    try:
        place = S3Place.parse(path)
    except ValueError:
        return None
    return place if place.key else None

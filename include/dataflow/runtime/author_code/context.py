"""What the platform gives to a function of a workflow's own modules."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from dataflow.errors import FatalError, InputError
from dataflow.interval import Interval
from dataflow.runtime.receipt import StepReceipt

if TYPE_CHECKING:
    import httpx
    from duckdb import DuckDBPyRelation

    Table: TypeAlias = DuckDBPyRelation
    """A table as a DuckDB relation: ``filter``, ``select``, ``join``, ``df()``, ``to_arrow_table()``."""

__all__ = ["Outside", "StepContext", "Table"]

FIRST_DAY = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))


def _no_output(task_id: str) -> Any:
    why = "it is no earlier step of this run, was skipped, or returned nothing"
    raise InputError(f"no output of {task_id!r}: {why}")


class Outside:
    """What a context reaches beyond its run. This one refuses, and says why; those that reach something derive."""

    def __init__(self, why_not: str = "this context was made by hand; give it one with `outside=`") -> None:
        self._why_not = why_not

    @property
    def http(self) -> httpx.Client:
        """A client for requests."""
        self._refuse("http")

    def secret(self, name: str) -> str:
        """Give a secret's value."""
        self._refuse(f"secret({name!r})")

    def connection(self, connection_id: str) -> Any:
        """Give a connection of Airflow's."""
        self._refuse(f"connection({connection_id!r})")

    def sql(self, query: str) -> DuckDBPyRelation:
        """Run a query."""
        del query
        self._refuse("sql")

    def _refuse(self, what: str) -> NoReturn:
        raise FatalError(f"ctx.{what}: {self._why_not}")


@dataclass(frozen=True)
class StepContext:
    """One step of one run. A unit test makes its own: only ``workflow`` is required."""

    workflow: str
    step: str = ""
    """The task's id, e.g. ``ingest.orders``."""
    run_id: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    settings: Any = field(default_factory=dict)
    """What the config says under ``settings``: a mapping, or the model that ``settings.py`` makes of it."""
    window: Interval = FIRST_DAY
    """What the run is about: half-open, UTC. A unit test that gives none gets the first day of 2025."""
    cursor: Interval | None = None
    """The range that an incremental source reads in this run."""
    partition_key: str | None = None
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("dataflow.step"))
    outputs: Callable[[str], Any] | Mapping[str, Any] = field(default=_no_output, repr=False)
    """What earlier steps returned, by task id. A unit test gives a mapping: ``{"normalize": {"null_rate": 0.1}}``."""
    outside: Outside = field(default_factory=Outside, repr=False)
    """What ``secret``, ``connection``, ``http`` and ``sql`` ask."""

    def output(self, step: str) -> Any:
        """Give what an earlier step of this run returned: a receipt for ours, JSON for one of ``steps.py``.

        Raises:
            InputError: when that step returned nothing or is no earlier one.
        """
        value: Any = self.outputs.get(step) if isinstance(self.outputs, Mapping) else self.outputs(step)
        if value is None:
            _no_output(step)
        of_ours = step == "publish" or step.startswith(("ingest.", "validate.", "transform."))
        return StepReceipt.from_json(value) if of_ours else value

    def secret(self, name: str) -> str:
        """Give the value of a variable of the environment where tasks run; logs show it masked."""
        return self.outside.secret(name)

    def connection(self, connection_id: str) -> Any:
        """Give a connection of Airflow's: ``host port schema login password extra(key)``."""
        return self.outside.connection(connection_id)

    @property
    def http(self) -> httpx.Client:
        """A client for requests, which tries again where a server is busy; closed when the step ends."""
        return self.outside.http

    def sql(self, query: str) -> DuckDBPyRelation:
        """Query this workflow's loaded tables, and this run's batches as ``batch.<source>``.

        What it gives can be read until the step ends.
        """
        return self.outside.sql(query)


def __getattr__(name: str) -> Any:
    # ``Table`` costs DuckDB's import, which only a task needs.
    if name == "Table":
        import duckdb

        return duckdb.DuckDBPyRelation
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

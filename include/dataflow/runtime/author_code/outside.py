"""What a context reaches beyond its run: secrets, connections, HTTP, and the tables that are loaded."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from dataflow.errors import FatalError
from dataflow.queries import single_select
from dataflow.runtime.author_code.context import Outside
from dataflow.runtime.references import is_secret
from dataflow.runtime.steps.checks import view_of_files
from dataflow.spec.tables import tables_named_in_sql, tables_of
from dataflow.transforms.connection import open_scratch
from dataflow.warehouse.extract import extract

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    import httpx
    from duckdb import DuckDBPyRelation

    from dataflow.landing.manifest import Manifest
    from dataflow.runtime.step import Step

__all__ = ["Connection", "NotForDecisions", "RunOutside"]

REQUEST_TIME = timedelta(hours=1)
"""For one request of ``ctx.http``, with its retries and until its body is read."""


class NotForDecisions(Outside):
    """What a gate and a choice get: they judge what earlier steps returned, and nothing else.

    So their verdict is the same whenever it is asked for again.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} decides on ctx.output(...), ctx.params, ctx.settings and the window alone; "
            "do this in a `run` step before it, and return what it is to judge"
        )


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection of Airflow's; each field is asked for when it is read, and what is secret is masked in logs."""

    id: str
    step: Step = field(repr=False)

    @property
    def host(self) -> str:
        """The server."""
        return self._field("host")

    @property
    def port(self) -> int:
        """Its port."""
        return int(self._field("port"))

    @property
    def schema(self) -> str:
        """The database, as Airflow calls it."""
        return self._field("schema")

    @property
    def login(self) -> str:
        """Who logs in."""
        return self._field("login")

    @property
    def password(self) -> str:
        """The password."""
        return self._field("password")

    def extra(self, key: str) -> str:
        """Give one value of the connection's extras."""
        return self._field(key)

    def _field(self, name: str) -> str:
        resolve = self.step.request.resolve
        if resolve is None:
            raise FatalError(f"ctx.connection({self.id!r}): only Airflow knows connections; here, use ctx.secret(...)")
        reference = f"conn:{self.id}.{name}"
        value = resolve(reference)
        if is_secret(reference):
            self.step.keep_secret(value)
        return value


class RunOutside(Outside):
    """What a `run` step and a python source reach. As a context it closes on the way out what was opened."""

    def __init__(self, step: Step) -> None:
        super().__init__("")
        self._step = step
        self._open = ExitStack()
        self._client: httpx.Client | None = None
        self._folder: Path | None = None
        self._queries = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._open.close()

    def secret(self, name: str) -> str:
        """Give the variable of the environment, masked in every log from here on."""
        value = os.environ.get(name)
        if value is None:
            raise FatalError(f"ctx.secret({name!r}): the variable is not set; set it where tasks run")
        self._step.keep_secret(value)
        return value

    def connection(self, connection_id: str) -> Connection:
        """Give a connection of Airflow's."""
        return Connection(connection_id, self._step)

    @property
    def http(self) -> httpx.Client:
        """One client for the whole step."""
        if self._client is None:
            from dataflow.http.client import Client  # most steps talk to nobody

            policy = self._step.settings.host_policy
            client = Client(self._step.request.log, policy=policy, request_seconds=REQUEST_TIME.total_seconds())
            self._client = self._open.enter_context(client)
        return self._client

    def sql(self, query: str) -> DuckDBPyRelation:
        """Run the query over copies of what it names: loaded tables, and this run's batches as ``batch.<source>``."""
        step = self._step
        named = tables_named_in_sql(query, frozenset(tables_of(step.workflow.spec)))
        folder = self._scratch()
        sources = sorted(name.removeprefix("batch.") for name in named if name.startswith("batch."))
        views = {f"batch.{source}": step.files(self._batch(source), folder) for source in sources}
        tables = sorted(name for name in named if not name.startswith("batch."))
        copies = extract(step.settings, step.workflow.name, tables=tables, into=folder, log=step.request.log)
        if missing := [name for name in tables if name not in copies]:
            raise FatalError(f"ctx.sql: {', '.join(missing)}: no run has loaded any rows yet")
        connection = self._open.enter_context(open_scratch(folder, memory=step.settings.memory, views=views))
        for name, file in copies.items():
            view_of_files(connection, name, file=file)
        try:
            return connection.sql(single_select(connection, query))
        except ValueError as exc:
            raise FatalError(f"ctx.sql: {exc}") from None

    def _batch(self, source: str) -> Manifest:
        judged = source in self._step.validated and self._step.request.output(f"validate.{source}")
        return self._step.batch(source) if judged else self._step.ingested(source)

    def _scratch(self) -> Path:
        """Give each query a folder of its own: the relation of an earlier one may still be read."""
        if self._folder is None:
            self._folder = self._open.enter_context(self._step.scratch())
        self._queries += 1
        folder = self._folder / f"query-{self._queries}"
        folder.mkdir()
        return folder

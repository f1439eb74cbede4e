"""A first part of a source, read to propose what its config should say. Nothing of it is used in a run."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from dataflow.errors import InputError
from dataflow.identifiers import quote
from dataflow.interval import Interval
from dataflow.loading.layers import read_layers
from dataflow.near_miss import known_words
from dataflow.paths import folder_of
from dataflow.runtime.references import resolve_from_environment
from dataflow.runtime.render import Values, render_source
from dataflow.scaffold.sample_file import sniff
from dataflow.settings import Settings
from dataflow.sources.api.read_api import first_page
from dataflow.sources.database.address import find_address
from dataflow.sources.database.other import other_readings
from dataflow.sources.database.postgres import postgres_columns, postgres_reading
from dataflow.sources.database.postgres_types import wanted
from dataflow.sources.database.relation import first_rows, relation_of
from dataflow.sources.database.sqlite import sqlite_reading
from dataflow.sources.files.file_paths import find_files
from dataflow.sources.files.scan_sql import scan_call
from dataflow.sources.reading import select_of
from dataflow.sources.request import IngestRequest
from dataflow.sources.so_far import SoFar
from dataflow.spec.sources import AnySource, ApiSource, DatabaseSource, FileSource, Source
from dataflow.spec.sources.paging import OnePage

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.loading.yaml_document import Node

__all__ = ["Sample", "sample_source"]

ROWS = 1_000
MOST_DIGITS = 38
"""Of a DECIMAL."""
DOUBLE_DIGITS = 15
"""As many a DOUBLE keeps of any number."""
LOG = logging.getLogger("dataflow.sample")
SHORT = {"TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ"}
KEY_TYPES = ("BIGINT", "INTEGER", "SMALLINT", "HUGEINT", "UUID", "VARCHAR")
MOMENTS = ("DATE", "TIMESTAMP")
CHANGED = (
    re.compile(r"updated|modified|changed|last_?(?:edit|touch)", re.IGNORECASE),
    re.compile(r"created|inserted|occurred|happened|placed|_at$", re.IGNORECASE),
)
"""What people call the column that says when a row changed; the best first."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the source's config could say."""

    rows: int
    """That were looked at."""
    columns: Mapping[str, str]
    key: str | None
    """A column whose values are all there, and each once."""
    cursor: str | None
    """A column that seems to say when a row changed."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Of a file's reader."""
    pagination: Mapping[str, Any] = field(default_factory=dict)
    """Of an API whose answer names the next page."""


def sample_source(settings: Settings, workflow: str, name: str, *, window: Interval | None = None) -> Sample:
    """Read a first part of a source, whose config may still be incomplete.

    Raises:
        InputError: when there is no such source, it cannot be read as it is, or its type cannot be sampled.
        StepError: as a run would fail.
    """
    root = read_layers(settings.project, workflow, environment=settings.environment).root
    if root is None:
        raise InputError(f"the config of {workflow} cannot be read; see `dataflow config validate {workflow}`")
    source = _source(root, workflow, name)
    window = window or _yesterday()
    values = _values(root, window, is_incremental=source.incremental is not None)
    source = render_source(name, source, values=values)
    folder = folder_of(settings.project, workflow)
    if isinstance(source, FileSource):
        return _of_file(source, folder)
    if isinstance(source, DatabaseSource):
        return _of_database(source, name, folder)
    if isinstance(source, ApiSource):
        return _of_api(source, _request(settings, workflow, name, source=source, values=values, window=window))
    raise InputError(f"sources.{name}: a source of type {source.type} cannot be sampled; api, database and file can")


def _source(root: Node, workflow: str, name: str) -> AnySource:
    sources = root.at(("sources",))
    there = sources.value if sources is not None and isinstance(sources.value, dict) else {}
    if name not in there:
        raise InputError(f"{workflow} has no source {name!r}; {known_words(name, there, what='there is')}")
    said = there[name].plain()
    if isinstance(said, dict) and said.get("type") == "api":
        said.setdefault("columns", {"unknown": "VARCHAR"})  # required, and what is looked for
    try:
        source: AnySource = TypeAdapter[Any](Source).validate_python(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        raise InputError(
            f"sources.{name} cannot be read yet: {'.'.join(map(str, first['loc'][1:]))}: {message}; "
            f"see `dataflow config validate {workflow}`"
        ) from None
    return source


def _values(root: Node, window: Interval, *, is_incremental: bool) -> Values:
    params, settings = (node.plain() if (node := root.at((key,))) is not None else {} for key in ("params", "settings"))
    return Values(
        window=window,
        run_id="sample",
        cursor=window if is_incremental else None,
        params={name: given.get("default") for name, given in params.items() if isinstance(given, dict)},
        settings=settings,
        resolve=resolve_from_environment,
    )


def _yesterday() -> Interval:
    today = datetime.combine(datetime.now(UTC).date(), time(), UTC)
    return Interval(today - timedelta(days=1), today)


def _of_file(source: FileSource, folder: Path) -> Sample:
    file = find_files(source.path, folder)[0]
    found = sniff(file.path, form=source.format, given=source.options)
    options = {name: value for name, value in found.options.items() if name not in source.options}
    keys = [name for name in found.unique if found.columns[name].startswith(KEY_TYPES)] if found.rows > 1 else []
    return Sample(found.rows, found.columns, _best_key(keys), None, options)


def _request(
    settings: Settings, workflow: str, name: str, *, source: AnySource, values: Values, window: Interval
) -> IngestRequest:
    return IngestRequest(
        workflow=workflow,
        table=name,
        source=source,
        folder=folder_of(settings.project, workflow),
        window=window,
        cursor=values.cursor,
        run_id=values.run_id,
        try_number=1,
        settings=settings,
        log=LOG,
    )


def _of_api(source: ApiSource, request: IngestRequest) -> Sample:
    import duckdb

    page = first_page(request, source)
    if not page.count:
        raise InputError(f"sources.{request.table}: the first page has no records; choose another --window")
    with tempfile.TemporaryDirectory(prefix="sample-") as scratch, duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        file = Path(scratch) / "page.ndjson"
        file.write_bytes(page.lines)
        rows = scan_call("read_json", [file], {"format": "newline_delimited"})
        connection.execute(f"create temp table sampled as select * from {rows}")
        found = _looked_at(connection, number_of=lambda _: False)
    columns = {
        name: "JSON" if kind.endswith((")", "]")) and "DECIMAL" not in kind else kind
        for name, kind in found.columns.items()
    }
    paging = {"type": "link"} if page.link and isinstance(source.pagination, OnePage) else {}
    return replace(found, columns=columns, pagination=paging)


def _of_database(source: DatabaseSource, name: str, folder: Path) -> Sample:
    import duckdb

    address, whole = find_address(source, name), relation_of(source, name, cursor=None)
    relation = first_rows(whole, ROWS)
    with tempfile.TemporaryDirectory(prefix="sample-") as scratch, duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        loose: list[str] = []
        if address.backend == "postgresql":
            loose = [each.name for each in postgres_columns(address, whole) if wanted(each, None).is_loose]
            readings = [postgres_reading(connection, address, relation, {}, log=LOG)]
        elif address.backend == "sqlite":
            readings = [sqlite_reading(connection, address.file(folder), relation, {}, log=LOG)]
        else:
            so_far = SoFar(relation.shown, LOG)
            given = other_readings(connection, address, whole, {}, scratch=Path(scratch), so_far=so_far, limit=ROWS)
            readings = list(given)
        connection.execute(f"create temp table sampled as {select_of(readings)}")
        return _looked_at(connection, number_of=lambda column: column in loose)


def _looked_at(connection: DuckDBPyConnection, *, number_of: Callable[[str], bool]) -> Sample:
    described = connection.execute("describe sampled").fetchall()
    kinds = {str(row[0]): str(row[1]) for row in described}
    counted = ", ".join(f"count({quote(name)}), count(distinct {quote(name)})" for name in kinds)
    rows, *counts = connection.execute(f"select count(*), {counted} from sampled").fetchone() or (0,)
    full = {name for name, count in zip(kinds, counts[::2], strict=True) if count == rows}
    once = [name for name, count in zip(kinds, counts[1::2], strict=True) if count == rows and name in full]
    columns = {
        name: _decimal(connection, name) if number_of(name) else SHORT.get(kind, kind) for name, kind in kinds.items()
    }
    keys = [name for name in once if kinds[name].startswith(KEY_TYPES)] if rows > 1 else []
    moments = [name for name in kinds if name in full and kinds[name].startswith(MOMENTS)] if rows else []
    return Sample(rows, columns, _best_key(keys), _best_cursor(moments))


def _decimal(connection: DuckDBPyConnection, name: str) -> str:
    """Give a DECIMAL that holds the numbers seen, with room before the point; VARCHAR where none has so many digits."""
    digits = f"regexp_extract({quote(name)}, '\\.([0-9]+)$', 1)"
    whole = f"ltrim(split_part({quote(name)}, '.', 1), '-0')"
    found = connection.execute(
        f"select max(length({digits})), max(length({whole})), "
        f"bool_or(regexp_matches({quote(name)}, '^-?[A-Za-z]')) from sampled"
    )
    after, before, is_no_number = found.fetchone() or (0, 0, False)
    if is_no_number and (after or 0) + (before or 0) <= DOUBLE_DIGITS:
        return "DOUBLE"
    scale = max(after or 0, min(2, MOST_DIGITS - (before or 0)))
    fits = not is_no_number and scale + (before or 0) <= MOST_DIGITS
    return f"DECIMAL({MOST_DIGITS},{scale})" if fits else "VARCHAR"


def _best_key(names: list[str]) -> str | None:
    def rank(name: str) -> int:
        lower = name.lower()
        return 0 if lower == "id" else 1 if lower.endswith(("_id", "key", "uuid")) else 2

    return min(names, key=rank, default=None)


def _best_cursor(names: list[str]) -> str | None:
    return next((name for form in CHANGED for name in names if form.search(name)), None)

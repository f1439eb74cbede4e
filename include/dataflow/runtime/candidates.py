"""Rows of quarantine as they would be landed: corrected where somebody did, and cast as ingest casts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import InputError
from dataflow.identifiers import literal, quote
from dataflow.landing.manifest import METADATA_PREFIX, local_files, read_manifest
from dataflow.ops.quarantine import Quarantined
from dataflow.quarantine.reading import FORMATS
from dataflow.quarantine.store import ROW
from dataflow.queries import columns_of_query, find_column
from dataflow.sources.fit import canonical_type, fit, time_format

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.interval import Interval
    from dataflow.spec.sources import Source

__all__ = ["NUMBER", "RECORD", "Back", "record_view", "view_record", "write_candidates"]

RECORD = "_dataflow_record"
"""From which record a candidate comes."""
NUMBER = "_dataflow_number"
"""Which row of the record it is."""

_CORRECTION = '"_dataflow_correction"'
_CURSOR = "_dataflow_cursor"


@dataclass(frozen=True, slots=True)
class Back:
    """Where the rows go back to."""

    source: Source
    columns: Mapping[str, str]
    """Names and DuckDB types of the batch."""
    run_id: str
    window: Interval
    read_range: Interval | None
    """Of an incremental source: what the run read."""
    rest: Interval | None
    """Of it, what no later run has read again."""


def record_view(record: Quarantined) -> str:
    """Give the name under which a record's rows are seen."""
    return quote(f"_dataflow_record_{record.id}")


def view_record(connection: DuckDBPyConnection, record: Quarantined, *, corrected: Path | None, folder: Path) -> None:
    """Make the record's rows a view: as they lie there, with the values of the corrected file in their place.

    Raises:
        InputError: when the file's rows or columns are not those of the record.
    """
    files = local_files(read_manifest(record.uri), folder / "quarantine" / str(record.id))
    paths = ", ".join(literal(str(Path(path).absolute())) for path in files)
    rows = f"SELECT * FROM read_parquet([{paths}], hive_partitioning = false)"
    if corrected is not None:
        rows = _corrected(connection, record, rows, file=corrected)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {record_view(record)} AS {rows}")


def write_candidates(connection: DuckDBPyConnection, records: Sequence[Quarantined], *, back: Back, into: Path) -> None:
    """Write a row for each row of the records' views, with the columns of the batch.

    Beside them: `ROW`, `RECORD` and `NUMBER`; ``rules`` and ``reasons``, empty where the values fit; and
    ``read_again``, whether a later run has read the row since.
    """
    selects = [_cast(connection, record, back) for record in records]
    union = " UNION ALL BY NAME ".join(selects)
    connection.execute(
        f"COPY (SELECT row_number() OVER (ORDER BY {RECORD}, {NUMBER}) AS {ROW}, * FROM ({union})) "
        f"TO {literal(str(into))} (FORMAT parquet)"
    )


def _corrected(connection: DuckDBPyConnection, record: Quarantined, rows: str, *, file: Path) -> str:
    """Give the query for the record's rows with the file's values, which are read as text."""
    given = _read(connection, file)
    own = dict(columns_of_query(connection, rows))
    data = [name for name in own if not name.startswith(METADATA_PREFIX)]
    try:
        named = {find_column(data, name): name for name in given if not name.startswith(METADATA_PREFIX)}
    except ValueError as error:
        raise InputError(f"{file.name}: {error}") from None
    _number(connection, record, file, is_numbered=ROW in given)
    strange = connection.execute(
        f"SELECT {ROW} FROM {_CORRECTION} WHERE {ROW} IS NULL OR {ROW} NOT BETWEEN 1 AND {record.rows} "
        f"UNION ALL SELECT {ROW} FROM {_CORRECTION} GROUP BY {ROW} HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if strange is not None:
        raise InputError(
            f"{file.name}: {ROW} {strange[0]} is twice there, or no row of quarantine {record.id}, which has 1 to "
            f"{record.rows}"
        )
    replaced = ", ".join(
        f"CASE WHEN given.{ROW} IS NOT NULL THEN given.{quote(name)} "
        f"ELSE {_text('raw.' + quote(column), own[column])} END AS {quote(column)}"
        for column, name in named.items()
    )
    columns = f"raw.* REPLACE ({replaced})" if replaced else "raw.*"
    return f"SELECT {columns} FROM ({rows}) AS raw LEFT JOIN {_CORRECTION} AS given ON given.{ROW} = raw.{ROW}"


def _number(connection: DuckDBPyConnection, record: Quarantined, file: Path, *, is_numbered: bool) -> None:
    """Let each corrected row have the number of the row that it corrects; all of them in order, where none has one."""
    counted = connection.execute(f"SELECT count(*) FROM {_CORRECTION}").fetchone() or (0,)
    if not is_numbered and counted[0] != record.rows:
        raise InputError(
            f"{file.name} has {counted[0]} rows, and quarantine {record.id} has {record.rows}; to correct some of them "
            f"keep the column {ROW}, which `dataflow quarantine show {record.id} --write FILE` gives"
        )
    columns = f"* REPLACE (TRY_CAST({ROW} AS BIGINT) AS {ROW})" if is_numbered else f"row_number() OVER () AS {ROW}, *"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {_CORRECTION} AS SELECT {columns} FROM {_CORRECTION}")


def _read(connection: DuckDBPyConnection, file: Path) -> list[str]:
    """Read the file into a table of texts and give its columns."""
    import duckdb

    if file.suffix.lower() not in FORMATS:
        raise InputError(f"{file.name}: corrected rows come in a file that ends in {', '.join(FORMATS)}")
    try:
        reader = _reader(connection, file)
        columns = columns_of_query(connection, f"SELECT * FROM {reader}")
        texts = ", ".join(f"{_text(quote(name), kind)} AS {quote(name)}" for name, kind in columns)
        connection.execute(f"CREATE OR REPLACE TEMP TABLE {_CORRECTION} AS SELECT {texts} FROM {reader}")
    except duckdb.Error as error:
        raise InputError(f"{file}: {str(error).splitlines()[0]}") from error
    return [name for name, _ in columns]


def _reader(connection: DuckDBPyConnection, file: Path) -> str:
    """Give the scan of the file's values as they stand there: nothing is guessed, and `""` is no NULL."""
    path = literal(str(file))
    if file.suffix.lower() == ".parquet":
        return f"read_parquet({path}, hive_partitioning = false)"
    if file.suffix.lower() == ".csv":
        form = "header = true, delim = ',', quote = '\"', escape = '\"', allow_quoted_nulls = false"
        return f"read_csv({path}, all_varchar = true, {form})"
    lines = f"read_json_objects({path}, format = 'newline_delimited')"
    found = connection.execute(f"SELECT DISTINCT unnest(json_keys(json)) FROM {lines}").fetchall()
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for (name,) in sorted(found))
    return f"read_json({path}, format = 'newline_delimited', auto_detect = false, columns = {{{columns}}})"


def _cast(connection: DuckDBPyConnection, record: Quarantined, back: Back) -> str:
    """Give the query for a record's rows as the batch has them, with what does not fit."""
    raw = dict(columns_of_query(connection, f"SELECT * FROM {record_view(record)}"))
    spelled = {name.lower(): name for name in raw}
    values: dict[str, str] = {}
    misfits: list[tuple[str, str, str]] = []
    for name, kind in _wanted(back, raw).items():
        if name.startswith(METADATA_PREFIX):
            continue
        if name.lower() not in spelled:
            values[name] = f"CAST(NULL AS {kind})"
            continue
        own = spelled[name.lower()]
        form = time_format(kind, getattr(back.source, "options", {})) if record.key.stage == "ingest" else None
        cast = fit(quote(own), raw[own], declared=kind, form=form)
        if cast.misfit is None:
            values[name] = cast.value
            continue
        failed = f"{quote(own)} IS NOT NULL AND {cast.misfit}"
        values[name] = f"CASE WHEN {failed} THEN NULL ELSE {cast.value} END"
        misfits.append((failed, "schema_contract.data_type", _says(back, name, own, kind)))
    misfits += _undeclared(back, raw)
    selected = [f"{value} AS {quote(name)}" for name, value in values.items()]
    judged = (
        f"SELECT {', '.join(selected)}, {record.id} AS {RECORD}, {ROW} AS {NUMBER}, "
        f"{_told([(when, literal(rule)) for when, rule, _ in misfits])} AS rules, "
        f"{_told([(when, reason) for when, _, reason in misfits])} AS reasons FROM {record_view(record)}"
    )
    return _stamped(judged, back)


def _told(texts: Sequence[tuple[str, str]]) -> str:
    """Give the SQL for a list of the texts whose condition holds."""
    each = ", ".join(f"CASE WHEN {when} THEN {text} END" for when, text in texts)
    return f"list_filter([{each}], lambda told: told IS NOT NULL)" if each else "CAST([] AS VARCHAR[])"


def _wanted(back: Back, raw: Mapping[str, str]) -> dict[str, str]:
    """Give the batch's columns, and those that the config declares by now and the rows have."""
    declared = {name: canonical_type(column.type, column=name) for name, column in back.source.columns.items()}
    there = {name.lower() for name in raw}
    new = {name: kind for name, kind in declared.items() if name not in back.columns and name.lower() in there}
    return {**back.columns, **new}


def _says(back: Back, name: str, raw: str, kind: str) -> str:
    """Give the SQL of what is wrong with a value."""
    column = back.source.columns.get(name)
    is_sensitive = column is not None and getattr(column, "sensitive", False)
    shown = "'***'" if is_sensitive else f"left(CAST({quote(raw)} AS VARCHAR), 100)"
    return f"{literal(name + ': ')} || '''' || {shown} || ''' does not fit ' || {literal(kind)}"


def _undeclared(back: Back, raw: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Give what is wrong with rows of columns that nobody declared, where the contract quarantines them."""
    contract = getattr(back.source, "schema_contract", None)
    if contract is None or contract.columns != "quarantine" or not back.source.columns:
        return []
    known = {name.lower() for name in (*back.columns, *back.source.columns)}
    return [
        (f"{quote(name)} IS NOT NULL", "schema_contract.columns", literal(f"the column {name} is not declared"))
        for name in raw
        if not name.startswith(METADATA_PREFIX) and name.lower() not in known
    ]


def _stamped(rows: str, back: Back) -> str:
    """Add our own columns, and judge the cursor."""
    own = [
        f"{literal(back.run_id)} AS _dataflow_run",
        f"{_moment(back.window.start)} AS _dataflow_window_start",
        f"{_moment(back.window.end)} AS _dataflow_window_end",
    ]
    incremental = back.source.incremental
    if incremental is None or back.read_range is None or back.rest is None:
        return f"SELECT *, {', '.join(own)}, false AS read_again FROM ({rows})"
    cursor = f"CAST({quote(incremental.cursor)} AS TIMESTAMPTZ)"
    missing = literal(f"{incremental.cursor} is NULL, so nobody can say which run the row belongs to")
    outside = literal(f"{incremental.cursor} lies outside of {back.read_range}, which its run read")
    wrong = f"CASE WHEN {_CURSOR} IS NULL THEN {missing} WHEN NOT {_inside(back.read_range)} THEN {outside} END"
    said = "len(rules) > 0"
    return (
        f"SELECT * EXCLUDE (wrong) REPLACE ("
        f"CASE WHEN {said} OR wrong IS NULL THEN rules ELSE ['incremental.cursor'] END AS rules, "
        f"CASE WHEN {said} OR wrong IS NULL THEN reasons ELSE [wrong] END AS reasons), "
        f"coalesce({_inside(back.read_range)} AND NOT {_inside(back.rest)}, false) AS read_again "
        f"FROM (SELECT *, {wrong} AS wrong FROM (SELECT *, {', '.join(own)}, {cursor} AS {_CURSOR} FROM ({rows})))"
    )


def _inside(span: Interval) -> str:
    return f"({_CURSOR} >= {_moment(span.start)} AND {_CURSOR} < {_moment(span.end)})"


def _moment(moment: object) -> str:
    return f"TIMESTAMPTZ {literal(str(moment))}"


def _text(expression: str, kind: str) -> str:
    nested = kind.startswith(("STRUCT(", "MAP(")) or kind.endswith("]")
    return f"CAST({f'to_json({expression})' if nested else expression} AS VARCHAR)"

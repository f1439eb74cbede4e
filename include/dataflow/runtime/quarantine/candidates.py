"""Rows of quarantine as they would be landed: corrected where somebody did, and cast as ingest casts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.identifiers import literal, quote
from dataflow.landing.manifest import METADATA_PREFIX
from dataflow.quarantine.records import Quarantined, QuarantineStage
from dataflow.quarantine.store import ROW
from dataflow.queries import columns_of_query
from dataflow.runtime.quarantine.corrected_file import record_view
from dataflow.sources.contract.fit import canonical_type, fit, text_format
from dataflow.sources.files.number_format import NumberFormat

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.interval import Interval
    from dataflow.spec.sources import Source

__all__ = ["NUMBER", "RECORD", "Back", "cast_rows", "write_candidates"]

RECORD = "_dataflow_record"
"""From which record a candidate comes."""
NUMBER = "_dataflow_number"
"""Which row of the record it is."""

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

    @property
    def number_forms(self) -> dict[str, NumberFormat]:
        """How the source writes numbers, of the columns in which it has a form of its own; names in small letters."""
        options = getattr(self.source, "options", {})
        kinds = {**self.columns, **_declared(self)}
        forms = {name.lower(): text_format(kind, options) for name, kind in kinds.items()}
        return {name: form for name, form in forms.items() if isinstance(form, NumberFormat)}


def write_candidates(connection: DuckDBPyConnection, records: Sequence[Quarantined], *, back: Back, into: Path) -> None:
    """Write a row for each row of the records' views, with the columns of the batch.

    Beside them: `ROW`, `RECORD` and `NUMBER`; ``rules`` and ``reasons``, empty where the values fit; and
    ``read_again``, whether a later run has read the row since.
    """
    selects = [
        cast_rows(connection, record_view(record), stage=record.key.stage, record=str(record.id), back=back)
        for record in records
    ]
    union = " UNION ALL BY NAME ".join(selects)
    connection.execute(
        f"COPY (SELECT row_number() OVER (ORDER BY {RECORD}, {NUMBER}) AS {ROW}, * FROM ({union})) "
        f"TO {literal(str(into))} (FORMAT parquet)"
    )


def cast_rows(connection: DuckDBPyConnection, relation: str, *, stage: QuarantineStage, record: str, back: Back) -> str:
    """Give the query for rows of quarantine as the batch has them, as `write_candidates` says; ``record`` is SQL."""
    raw = dict(columns_of_query(connection, f"SELECT * FROM {relation}"))
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
        form = text_format(kind, getattr(back.source, "options", {})) if stage == "ingest" else None
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
        f"SELECT {', '.join(selected)}, {record} AS {RECORD}, {ROW} AS {NUMBER}, "
        f"{_told([(when, literal(rule)) for when, rule, _ in misfits])} AS rules, "
        f"{_told([(when, reason) for when, _, reason in misfits])} AS reasons FROM {relation}"
    )
    return _stamped(judged, back)


def _told(texts: Sequence[tuple[str, str]]) -> str:
    """Give the SQL for a list of the texts whose condition holds."""
    each = ", ".join(f"CASE WHEN {when} THEN {text} END" for when, text in texts)
    return f"list_filter([{each}], lambda told: told IS NOT NULL)" if each else "CAST([] AS VARCHAR[])"


def _wanted(back: Back, raw: Mapping[str, str]) -> dict[str, str]:
    """Give the batch's columns, and those that the config declares by now and the rows have."""
    there = {name.lower() for name in raw}
    declared = _declared(back).items()
    new = {name: kind for name, kind in declared if name not in back.columns and name.lower() in there}
    return {**back.columns, **new}


def _declared(back: Back) -> dict[str, str]:
    return {name: canonical_type(column.type, column=name) for name, column in back.source.columns.items()}


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

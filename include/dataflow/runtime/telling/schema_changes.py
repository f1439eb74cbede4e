"""Say how the columns of a source differ from those that it had in the last run.

Each change from one run to the next is told once; what stays as it was is no news, however odd it is.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dataflow.errors import LandingError
from dataflow.landing.manifest import Manifest, read_manifest
from dataflow.ops.history import History
from dataflow.ops.reading import anomalies_of, last_landed
from dataflow.ops.stages import StageKey, record_anomaly
from dataflow.spec.sources import AS_DECLARED, VARIANT, SourceBase

__all__ = ["SCHEMA_CHANGE", "SchemaChange", "record_changes", "schema_changes"]

SCHEMA_CHANGE = "SCHEMA_CHANGE"
"""The category under which run history keeps them."""
MAX_TOLD = 100
"""Changes of one table that a run tells one by one."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One column that came, went or has another type."""

    table: str
    column: str
    before: str | None
    """Its type in the last run; None where it was not there."""
    after: str | None
    is_declared: bool
    """Whether the config says what is there now."""

    def __str__(self) -> str:
        column = f'{self.table}: column "{self.column}"'
        if self.before is None:
            told = f"{column} appeared, as {self.after}"
        elif self.after is None:
            told = f"{column} is gone, it was {self.before}"
        else:
            told = f"{column} is {self.after} and was {self.before}"
        return f"{told}; the config says so" if self.is_declared else told

    def to_json(self) -> dict[str, Any]:
        """Give the metadata of the anomaly."""
        return {"table": self.table, "column": self.column, "before": self.before, "after": self.after}


def schema_changes(before: Manifest, after: Manifest, source: SourceBase) -> Iterator[SchemaChange]:
    """Give each column that came, went or changed its type; one that the source did not have counts as gone.

    A column of misfits that is not needed this time is no news.
    """
    old, new, declared = _there(before), _there(after), source.columns
    # Where whatever comes is landed, a column that is gone may have been the source's alone.
    takes_all = not declared or source.schema_contract.columns == "evolve"
    for name in {**old, **new}:
        was, is_now = old.get(name), new.get(name)
        if was == is_now or (is_now is None and name.removesuffix(VARIANT) in declared and name.endswith(VARIANT)):
            continue
        by_config = name in declared if is_now is not None else name not in declared and not takes_all
        yield SchemaChange(after.table, name, was, is_now, is_declared=by_config)


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A column that the source has, that nobody declared, and that the contract does not land."""

    table: str
    column: str
    mode: str | None
    """What is made of it; None where it is gone."""

    def __str__(self) -> str:
        if self.mode is None:
            return f'{self.table}: column "{self.column}", not declared in `columns`, is gone'
        rows = "rows with a value there"
        done = {"discard_row": f"{rows} are left out", "quarantine": f"{rows} go to quarantine"}
        does = done.get(self.mode, "it is left out")
        return f'{self.table}: column "{self.column}" is not declared in `columns`; {does}'

    def to_json(self) -> dict[str, Any]:
        """Give the metadata of the anomaly."""
        return {"table": self.table, "column": self.column, "undeclared": self.mode}


@dataclass(frozen=True, slots=True)
class Misfit:
    """A column of which some values do not fit their type, and what the contract does with them."""

    table: str
    column: str
    declared: str
    mode: str

    def __str__(self) -> str:
        done = {
            "discard_value": "landed as NULL",
            "discard_row": "their rows left out",
            "quarantine": "their rows in quarantine",
        }
        return f'{self.table}: column "{self.column}" has values that are no {self.declared}; {done[self.mode]}'

    def to_json(self) -> dict[str, Any]:
        """Give the metadata of the anomaly."""
        return {"table": self.table, "column": self.column, "misfit": self.mode, "declared": self.declared}


@dataclass(frozen=True, slots=True)
class Further:
    """Changes of a table beyond those that are told one by one: a source whose keys are ids has as many as rows."""

    table: str
    number: int

    def __str__(self) -> str:
        return f"{self.table}: {self.number} columns more changed"

    def to_json(self) -> dict[str, Any]:
        """Give the metadata of the anomaly."""
        return {"table": self.table, "column": "", "further": self.number}


Change = SchemaChange | Undeclared | Misfit | Further


def departures(landed: Manifest) -> Iterator[Undeclared | Misfit]:
    """Give what of a batch was not as the config says, and is not seen in the columns that are landed."""
    contract = AS_DECLARED.model_dump() | dict(landed.contract)
    for name in landed.undeclared:
        yield Undeclared(landed.table, name, contract["columns"])
    # What `evolve` lands beside its column is seen there.
    for name in landed.misfits if contract["data_type"] != "evolve" else ():
        yield Misfit(landed.table, name, landed.columns[name], contract["data_type"])


def changes(before: Manifest | None, after: Manifest, source: SourceBase) -> Iterator[Change]:
    """Give everything that is news in a batch; before the first one nothing was, so columns that came are none."""
    known = set(departures(before)) if before is not None else set()
    if before is not None:
        yield from schema_changes(before, after, source)
    yield from (each for each in departures(after) if each not in known)
    for name in before.undeclared if before is not None else ():
        if name not in after.undeclared and name not in _there(after):
            yield Undeclared(after.table, name, None)


def record_changes(
    history: History, key: StageKey, *, landed: Manifest, source: SourceBase, log: logging.Logger
) -> None:
    """Write into run history how a batch differs from the last run's, each change once a run, and log it.

    A batch of no rows says nothing of columns: an API that has no records has no keys either.
    """
    if not landed.rows_read:
        return
    found: list[Change] = list(changes(_last(history, key, landed=landed, log=log), landed, source))
    told = [row["metadata"] for row in anomalies_of(history, key.workflow, run_id=key.run_id, category=SCHEMA_CHANGE)]
    if len(found) > MAX_TOLD:
        found[MAX_TOLD:] = [Further(landed.table, len(found) - MAX_TOLD)]
    for each in found:
        log.warning("%s", each)
        if each.to_json() not in told:
            record_anomaly(
                history, key, category=SCHEMA_CHANGE, message=str(each), severity="warning", metadata=each.to_json()
            )


def _last(history: History, key: StageKey, *, landed: Manifest, log: logging.Logger) -> Manifest | None:
    uri = last_landed(history, key.workflow, landed.table, other_than=key.run_id)
    try:
        return read_manifest(uri) if uri is not None else None
    except LandingError as error:
        log.info("%s: its columns are not compared with the last run's: %s", landed.table, error)
        return None


def _there(manifest: Manifest) -> Mapping[str, str]:
    return {name: kind for name, kind in manifest.data_columns.items() if name not in manifest.absent}

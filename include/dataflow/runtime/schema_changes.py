"""Say how the columns that a source landed differ from those of the last run that completed."""

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
from dataflow.spec.sources import VARIANT, SourceBase

__all__ = ["SCHEMA_CHANGE", "SchemaChange", "record_changes", "schema_changes"]

SCHEMA_CHANGE = "SCHEMA_CHANGE"
"""The category under which run history keeps them."""


@dataclass(frozen=True, slots=True)
class SchemaChange:
    """One column that came, went or has another type."""

    table: str
    column: str
    before: str | None
    """Its type in the last run that completed; None where it was not there."""
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


def record_changes(
    history: History, key: StageKey, *, landed: Manifest, source: SourceBase, log: logging.Logger
) -> list[SchemaChange]:
    """Write into run history, once a run, and into the log how the landed columns differ from the last run's."""
    uri = last_landed(history, key.workflow, landed.table, before=key.run_id)
    if uri is None:
        return []
    try:
        changes = list(schema_changes(read_manifest(uri), landed, source))
    except LandingError as error:
        log.info("%s: its columns are not compared with the last run's: %s", landed.table, error)
        return []
    if not changes:
        return []
    told = [row["metadata"] for row in anomalies_of(history, key.workflow, run_id=key.run_id)]
    for change in changes:
        log.warning("%s", change)
        if change.to_json() not in told:
            record_anomaly(
                history,
                key,
                category=SCHEMA_CHANGE,
                message=str(change),
                severity="warning",
                metadata=change.to_json(),
            )
    return changes


def _there(manifest: Manifest) -> Mapping[str, str]:
    return {name: kind for name, kind in manifest.data_columns.items() if name not in manifest.absent}

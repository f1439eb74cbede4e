"""Put rows into quarantine: their files first, then the record that lets everybody see them.

The files lie under the landing, in `AREA`, laid out like batches: ``_quarantine/<workflow>/<table>/<window key>/<run
key>/<try>-<uuid>/``. Killed between the two, the files are named by no record, and the sweep takes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dataflow.landing.batch import write_batch
from dataflow.quarantine.records import QuarantineKey, insert_quarantined
from dataflow.quarantine.superseding import supersede_quarantined

if TYPE_CHECKING:
    from pathlib import Path

    import sqlalchemy as sa
    from duckdb import DuckDBPyConnection

    from dataflow.landing.manifest import Manifest
    from dataflow.ops.history import History
    from dataflow.s3.place import S3Place

__all__ = ["AREA", "REASONS", "ROW", "RULES", "SetAside", "quarantine_rows", "record_rows", "write_rows"]

AREA = "_quarantine"
"""No workflow is called so."""
ROW = "_dataflow_row"
"""Counts the rows of a record, from 1; a correction says by it which row it corrects."""
RULES = "_dataflow_rules"
"""The checks, or the contract, that refused the row: a list of texts."""
REASONS = "_dataflow_reasons"
"""What each of them says of it, in the same order."""

_ASIDE = '"_dataflow_set_aside"'


@dataclass(frozen=True, slots=True)
class SetAside:
    """Rows whose files are written; nobody sees them before `record_rows`."""

    manifest: Manifest
    reasons: Mapping[str, Mapping[str, Any]]

    @property
    def rows(self) -> int:
        """How many."""
        return self.manifest.rows


def quarantine_rows(
    history: History,
    landing: Path | S3Place,
    key: QuarantineKey,
    *,
    connection: DuckDBPyConnection,
    query: str,
    scratch: Path,
) -> int:
    """Quarantine the rows of a query and give how many they are; those of the task's earlier tries no longer count.

    Call it also where nothing is wrong, with a query that gives no row: then what an earlier try quarantined is over.

    Args:
        history: Where the record is written.
        landing: The landing's folder.
        key: Whose rows.
        connection: Runs the query; it may write files and temporary tables.
        query: Whole rows, with `RULES` and `REASONS` beside their columns.
        scratch: A folder of the task's own, where files that go to S3 are written first.

    Raises:
        TrySuperseded: when a later try of the task began.
    """
    aside = write_rows(landing, key, connection=connection, query=query, scratch=scratch)
    with history.write() as transaction:
        supersede_quarantined(transaction, key, with_this_try=True)
        record_rows(transaction, key, aside)
    return aside.rows if aside else 0


def write_rows(
    landing: Path | S3Place, key: QuarantineKey, *, connection: DuckDBPyConnection, query: str, scratch: Path
) -> SetAside | None:
    """Write the files of the query's rows; None where it gives none."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {_ASIDE} AS SELECT row_number() OVER () AS {ROW}, * FROM ({query}\n)"
    )
    try:
        reasons = _summary(connection)
        if not reasons:
            return None
        with write_batch(
            landing,
            workflow=key.workflow,
            table=key.table,
            window=key.window,
            run_id=key.run_id,
            try_number=key.try_number,
            area=AREA,
            scratch=scratch,
        ) as batch:
            batch.copy(connection, f"SELECT * FROM {_ASIDE} ORDER BY {ROW}")
            return SetAside(batch.commit(current=False), reasons)
    finally:
        connection.execute(f"DROP TABLE {_ASIDE}")


def record_rows(
    connection: sa.Connection, key: QuarantineKey, aside: SetAside | None, *, from_id: int | None = None
) -> int | None:
    """Write the record of what was set aside, within the caller's transaction, and give its id."""
    if aside is None:
        return None
    return insert_quarantined(
        connection, key, rows=aside.rows, uri=aside.manifest.uri, reasons=aside.reasons, from_id=from_id
    )


def _summary(connection: DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    """Give what each rule refused, the most first."""
    each = f"SELECT {ROW}, unnest({RULES}) AS rule, unnest({REASONS}) AS reason FROM {_ASIDE}"
    found = connection.execute(
        f"SELECT rule, arg_min(reason, {ROW}), count(DISTINCT {ROW}) FROM ({each}) GROUP BY rule ORDER BY 3 DESC, rule"
    ).fetchall()
    return {rule: {"reason": reason, "rows": rows} for rule, reason, rows in found}

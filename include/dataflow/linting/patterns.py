"""Whether DuckDB can read the regular expressions of checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dataflow.loading.rules.subject import Finding, Findings, Steps
from dataflow.queries import duckdb_message

if TYPE_CHECKING:
    import duckdb

__all__ = ["patterns_can_be_read"]


def patterns_can_be_read(patterns: Iterable[tuple[Steps, str]], connection: duckdb.DuckDBPyConnection) -> Findings:
    """Have DuckDB compile each; it knows no looking around and no reference back, which Python does."""
    import duckdb

    for steps, pattern in patterns:
        try:
            connection.execute("SELECT regexp_full_match('', ?)", [pattern])
        except duckdb.Error as error:
            reason = duckdb_message(error).rpartition("Error: ")[2]
            yield Finding(steps, f"DuckDB cannot read this pattern: {reason}", "it is a regular expression of RE2")

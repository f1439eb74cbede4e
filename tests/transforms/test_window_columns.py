"""Every row that a run loads names the run and its window."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from dataflow.identifiers import quote
from dataflow.interval import Interval
from dataflow.transforms.window_columns import ensure_window_columns

WINDOW = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    "columns",
    [
        "1 AS n",
        "1 AS n, 'another' AS _dataflow_run, now() AS _dataflow_window_start, now() AS _dataflow_window_end",
        "'half' AS _dataflow_run, 1 AS n",
    ],
)
def test_rows_get_this_runs_columns_whatever_they_had(columns):
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE totals AS SELECT {columns}")

        relation = ensure_window_columns(connection, "totals", run_id="it's run 1", window=WINDOW)
        result = connection.execute(f"SELECT * FROM {quote(relation)}")

        assert ["n", "_dataflow_run", "_dataflow_window_start", "_dataflow_window_end"] == [
            column[0] for column in result.description
        ]
        assert [(1, "it's run 1", WINDOW.start, WINDOW.end)] == result.fetchall()


def test_the_cursor_stays_as_it_is():
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE orders AS SELECT TIMESTAMPTZ '2024-05-05' AS _dataflow_cursor")

        relation = ensure_window_columns(connection, "orders", run_id="r", window=WINDOW)
        found = connection.execute(f"SELECT _dataflow_cursor FROM {quote(relation)}").fetchall()

    assert [datetime(2024, 5, 5, tzinfo=UTC)] == [row[0].astimezone(UTC) for row in found]

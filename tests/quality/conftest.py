"""What tests of checks share."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from kit.judging import ORDERS


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database with orders and customers."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(ORDERS)
        connection.execute("CREATE TABLE customers AS SELECT 10 AS customer_id UNION ALL SELECT NULL")
        yield connection

"""What a stage tells of an error of DuckDB's where no value is shown."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from dataflow.duckdb_memory import lack_of_room
from dataflow.errors import StepError
from dataflow.interval import Interval
from dataflow.sensitive import Sensitive
from dataflow.transforms.apply import _attempt
from dataflow.transforms.rows import Rows

SECRET = "ada@example.com"
WINDOW = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))


def test_a_full_disk_is_known_without_the_value_that_could_not_be_written() -> None:
    def write() -> None:
        raise duckdb.FatalException(f"could not write {SECRET}: No space left on device")

    with duckdb.connect() as connection:
        rows = Rows(connection, "people", WINDOW, sensitive=Sensitive(everything=True, anywhere=True))
        with pytest.raises(StepError) as caught:
            _attempt(rows, "stage 1 (sql)", write)

    lack = lack_of_room(caught.value)
    assert "people: stage 1 (sql): FatalException: No space left on device; the value is not shown" in str(lack)
    assert SECRET not in f"{lack} {caught.value.__cause__}"

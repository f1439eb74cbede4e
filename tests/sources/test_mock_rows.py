from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.errors import ContractError
from dataflow.interval import Interval
from kit.ingest import ingest_source, landed
from kit.landing import DAY

COLUMNS = {
    "id": "BIGINT", "a": "TINYINT", "b": "INTEGER", "c": "DOUBLE", "d": "DECIMAL(12,2)", "e": "VARCHAR", "f": "BOOLEAN",
    "g": "DATE", "h": "TIMESTAMP", "i": "TIMESTAMPTZ", "j": "TIME", "k": "UUID", "l": "JSON", "m": "INTEGER[]",
    "n": "STRUCT(x VARCHAR, y TIMESTAMPTZ)", "o": "MAP(VARCHAR, INTEGER)", "p": "BLOB", "q": "HUGEINT", "r": "UINTEGER",
    "s": "INTERVAL", "t": "ENUM('one', 'two')", "u": "FLOAT", "v": "INTEGER[3]", "w": "DECIMAL(3,3)", "x": "UTINYINT",
}  # fmt: skip


def mock(columns: dict[str, str], **more: object) -> dict[str, object]:
    return {"type": "mock", "columns": columns, **more}


def test_every_common_type_is_made_up_without_nulls(tmp_path: Path):
    manifest = ingest_source(tmp_path, mock(COLUMNS))

    rows = landed(manifest)

    assert 100 == len(rows)
    assert list(COLUMNS) == list(manifest.data_columns)
    assert not [value for row in rows for value in row if value is None]


def test_the_same_window_gives_the_same_rows(tmp_path: Path):
    first = landed(ingest_source(tmp_path, mock(COLUMNS), run_id="first"))
    again = landed(ingest_source(tmp_path, mock(COLUMNS), run_id="again"))

    assert first == again


@pytest.mark.parametrize("change", ["window", "seed"])
def test_another_window_or_seed_gives_other_rows(tmp_path: Path, change: str):
    columns = {"id": "INTEGER", "n": "DOUBLE"}
    next_day = Interval(DAY.end, DAY.end + timedelta(days=1))

    first = landed(ingest_source(tmp_path, mock(columns)))
    if change == "window":
        other = landed(ingest_source(tmp_path, mock(columns), window=next_day))
    else:
        other = landed(ingest_source(tmp_path, mock(columns, seed=1)))

    assert first != other


def test_the_first_column_numbers_the_rows_also_over_windows(tmp_path: Path):
    next_day = Interval(DAY.end, DAY.end + timedelta(days=1))
    columns = {"id": "BIGINT"}

    ids = [row for window in (DAY, next_day) for row in landed(ingest_source(tmp_path, mock(columns), window=window))]

    assert 200 == len(set(ids))


def test_as_many_rows_as_asked_for(tmp_path: Path):
    assert 0 == ingest_source(tmp_path, mock({"id": "BIGINT"}, rows=0)).rows
    assert 7 == ingest_source(tmp_path, mock({"id": "BIGINT"}, rows=7)).rows


@settings(deadline=None, max_examples=40)
@given(
    start=st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    width=st.timedeltas(timedelta(microseconds=1), timedelta(days=800)),
)
def test_times_lie_within_the_window(tmp_path_factory: pytest.TempPathFactory, start: datetime, width: timedelta):
    window = Interval(start, start + width)
    columns = {"at": "TIMESTAMPTZ", "plain": "TIMESTAMP", "day": "DATE"}

    rows = landed(ingest_source(tmp_path_factory.mktemp("mock"), mock(columns, rows=20), window=window))

    assert all(at in window and plain.replace(tzinfo=UTC) in window for at, plain, _ in rows)
    midnights = [datetime(day.year, day.month, day.day, tzinfo=UTC) for _, _, day in rows]
    has_midnight = start.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) < window.end
    assert all(midnight in window for midnight in midnights) or not has_midnight


@pytest.mark.parametrize("kind", ["TIMESTAMPTZ", "TIMESTAMP", "DATE"])
def test_the_cursor_lies_within_its_range_and_nothing_is_cut(tmp_path: Path, kind: str):
    source = mock({"id": "BIGINT", "at": kind}, incremental={"cursor": "at"})
    cursor = Interval(DAY.start - timedelta(days=9), DAY.end)

    manifest = ingest_source(tmp_path, source, cursor=cursor)

    assert (100, 0) == (manifest.rows, manifest.cut_rows)
    assert any(moment < DAY.start for (moment,) in landed(manifest, "_dataflow_cursor"))


def test_a_type_that_cannot_be_made_up_is_told(tmp_path: Path):
    with pytest.raises(ContractError, match='column "a": a mock source cannot make up values of type UNION'):
        ingest_source(tmp_path, mock({"id": "BIGINT", "a": "UNION(x INTEGER, y VARCHAR)"}))

"""Loading, case by case; what holds for all cases is in test_load_properties."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import ContractError, FatalError, TrySuperseded
from dataflow.interval import Interval
from dataflow.warehouse.columns import reconcile
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.load import LoadRequest, load
from kit.warehouse import House, day

TWO = "SELECT * FROM (VALUES (1, 'a'), (2, 'b')) t(id, v)"


def test_a_table_is_made_with_the_columns_of_its_first_batch(either: House):
    result = either.load(TWO)

    assert (2, 2, 2, None) == (result.rows_in, result.rows_written, result.rows_after, result.skipped)
    assert [(1, "a"), (2, "b")] == either.rows()


def test_rows_tell_which_run_and_window_loaded_them(either: House):
    either.load("SELECT 1 AS id, 'other' AS _dataflow_run")

    found = either.rows(
        "SELECT id, _dataflow_run, _dataflow_window_start::VARCHAR, _dataflow_window_end::VARCHAR "
        "FROM staging_shop.orders"
    )

    assert [(1, "r1", "2025-01-01 00:00:00+00", "2025-01-02 00:00:00+00")] == found


def test_replace_leaves_only_the_last_batch(either: House):
    either.load(TWO)
    either.load("SELECT 3 AS id, 'c' AS v", run_id="r2", window=day(1))

    assert [(3, "c")] == either.rows()


def test_replace_with_no_rows_empties_the_table(either: House):
    either.load(TWO)
    either.load(TWO + " LIMIT 0", run_id="r2", window=day(1))

    assert [] == either.rows()


def test_a_replace_of_an_older_run_is_skipped_and_told(either: House):
    either.load(TWO + " LIMIT 0", run_id="newer", window=day(1))

    result = either.load(TWO, run_id="older", window=day(0))

    assert (2, 0, 0) == (result.rows_in, result.rows_written, result.rows_after)
    assert result.skipped is not None
    assert "run newer" in result.skipped
    assert [] == either.rows()


def test_append_of_a_window_twice_leaves_its_rows_once(either: House):
    for run in ("r1", "r1", "again"):
        either.load(TWO, mode="append", windowed=True, run_id=run)
    either.load("SELECT 3 AS id, 'c' AS v", mode="append", windowed=True, window=day(1))

    assert [(1, "a"), (2, "b"), (3, "c")] == either.rows()


def test_append_of_a_wider_window_replaces_the_windows_within_it(either: House):
    for number in range(3):
        either.load(f"SELECT {number} AS id", mode="append", windowed=True, window=day(number))
    either.load("SELECT 10 AS id", mode="append", windowed=True, window=day(0, days=2))

    assert [(2,), (10,)] == either.rows()


@pytest.mark.parametrize(
    ("window", "whole"),
    [
        (day(1), "2025-01-01T00:00:00+00:00/2025-01-04T00:00:00+00:00"),
        (day(2, days=3), "2025-01-01T00:00:00+00:00/2025-01-06T00:00:00+00:00"),
        (day(-1, days=2), "2024-12-31T00:00:00+00:00/2025-01-04T00:00:00+00:00"),
    ],
    ids=["within", "at its end", "at its begin"],
)
def test_append_of_a_part_of_a_window_is_refused_for_it_would_double_rows(either: House, window: Interval, whole: str):
    either.load(TWO, mode="append", windowed=True, window=day(0, days=3))

    with pytest.raises(ContractError, match=f"covers a part of the window .* run the whole, {re.escape(whole)}"):
        either.load("SELECT 2 AS id, 'b' AS v", mode="append", windowed=True, window=window)

    assert [(1, "a"), (2, "b")] == either.rows()


def test_append_of_a_window_across_two_says_what_the_whole_is(either: House):
    for number in (0, 1):
        either.load(f"SELECT {number} AS id", mode="append", windowed=True, window=day(2 * number, days=2))

    with pytest.raises(ContractError, match=r"covers a part of 2 windows between 2025-01-01.*/2025-01-05"):
        either.load("SELECT 5 AS id", mode="append", windowed=True, window=day(1, days=2))
    either.load("SELECT 7 AS id", mode="append", windowed=True, window=day(0, days=4))

    assert [(7,)] == either.rows()


def test_append_without_windows_is_once_a_run(either: House):
    for run in ("r1", "r1", "r2"):
        either.load("SELECT 1 AS id", mode="append", run_id=run)

    assert [(1,), (1,)] == either.rows()


def test_append_of_a_range_replaces_the_rows_whose_cursor_lies_in_it(either: House):
    both = "SELECT id, make_timestamptz(2025, 1, id, 12, 0, 0) AS _dataflow_cursor FROM (VALUES (1), (2)) t(id)"
    either.load(both, mode="append", windowed=True, window=day(1), cursor=day(0, days=2))
    either.load(
        "SELECT 20 AS id, TIMESTAMPTZ '2025-01-02 13:00:00Z' AS _dataflow_cursor",
        mode="append",
        windowed=True,
        window=day(2),
        cursor=day(1),
    )

    assert [(1,), (20,)] == either.rows("SELECT id FROM staging_shop.orders ORDER BY id")


def test_append_of_an_incremental_source_without_cursors_says_the_way_out(either: House):
    with pytest.raises(ContractError, match=r"shop\.orders: .*_dataflow_cursor.*return that column, or use `merge`"):
        either.load(TWO, mode="append", windowed=True, cursor=day(0))


@pytest.mark.parametrize(
    "cursor", ["NULL::TIMESTAMPTZ", "TIMESTAMPTZ '2025-01-02 00:00:00Z'", "TIMESTAMPTZ '2024-12-31 23:59:00Z'"]
)
def test_append_refuses_a_cursor_outside_of_what_was_read(either: House, cursor: str):
    with pytest.raises(ContractError, match="1 rows have a _dataflow_cursor that is NULL or outside"):
        either.load(f"SELECT 1 AS id, {cursor} AS _dataflow_cursor", mode="append", windowed=True, cursor=day(0))


def merge(either: House, rows: str, **given: object):
    return either.load(
        f"SELECT * FROM (VALUES {rows}) t(id, since, v)",
        **{"mode": "merge", "key": ("id",), "newest_by": "since", "windowed": True, **given},
    )


def test_merge_keeps_the_newest_row_of_each_key(either: House):
    merge(either, "(1, 5, 'a'), (2, 5, 'b')")
    result = merge(either, "(1, 4, 'older'), (2, 6, 'newer'), (3, 1, 'new')", window=day(1), run_id="r2")

    assert (3, 2, 3) == (result.rows_in, result.rows_written, result.rows_after)
    assert [(1, 5, "a"), (2, 6, "newer"), (3, 1, "new")] == either.rows()


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_on_a_tie_the_row_of_the_later_window_stays_whatever_the_order(either: House, order: tuple[int, int]):
    for number in order:
        merge(either, f"(1, 5, 'window {number}')", window=day(number), run_id=f"r{number}")

    assert [(1, 5, "window 1")] == either.rows()


def test_a_run_again_with_corrected_rows_of_the_same_age_corrects_them(either: House):
    merge(either, "(1, 5, 'wrong')")
    merge(either, "(1, 5, 'right')")

    assert [(1, 5, "right")] == either.rows()


def test_within_a_batch_the_newest_row_counts_and_equal_rows_are_one(either: House):
    merge(either, "(1, 5, 'a'), (1, 7, 'c'), (1, 7, 'c'), (2, 1, NULL), (2, 1, NULL)")

    assert [(1, 7, "c"), (2, 1, None)] == either.rows()


def test_unequal_rows_of_one_key_and_age_are_refused_by_key(either: House):
    merge(either, "(1, 5, 'a')")

    with pytest.raises(ContractError, match="one key and the same since in one batch: id = 2;"):
        merge(either, "(1, 6, 'b'), (2, 7, 'x'), (2, 7, 'y')", window=day(1))
    assert [(1, 5, "a")] == either.rows()


def test_a_tie_below_the_newest_row_does_not_matter(either: House):
    merge(either, "(1, 5, 'x'), (1, 5, 'y'), (1, 6, 'z')")

    assert [(1, 6, "z")] == either.rows()


def test_without_newest_by_the_batch_wins_and_unequal_rows_of_a_key_are_refused(either: House):
    merge(either, "(1, 5, 'a'), (2, 5, 'b')", newest_by=None, windowed=False)
    merge(either, "(1, 4, 'c'), (1, 4, 'c')", newest_by=None, windowed=False, run_id="r2")

    assert [(1, 4, "c"), (2, 5, "b")] == either.rows()
    with pytest.raises(ContractError, match="unequal rows of one key in one batch: id = 1;"):
        merge(either, "(1, 4, 'c'), (1, 5, 'c')", newest_by=None, windowed=False)


def test_merge_of_a_windowed_source_asks_for_newest_by(either: House):
    with pytest.raises(ContractError, match="needs `newest_by`"):
        merge(either, "(1, 5, 'a')", newest_by=None)


def test_a_key_of_several_columns_is_their_combination(either: House):
    merge(either, "(1, 5, 'a'), (1, 5, 'b')", key=("id", "v"))
    merge(either, "(1, 6, 'b')", key=("id", "v"), window=day(1))

    assert [(1, 5, "a"), (1, 6, "b")] == either.rows()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("(NULL, 5, 'a'), (2, 5, 'b')", "id is NULL in 1 rows"),
        ("(1, NULL, 'a'), (2, 5, 'b')", "since is NULL in 1 rows"),
    ],
)
def test_merge_refuses_rows_without_key_or_age(either: House, rows: str, said: str):
    with pytest.raises(ContractError, match=said):
        merge(either, rows)


def test_a_column_that_merge_needs_and_the_batch_lacks_is_named_with_a_near_miss(either: House):
    with pytest.raises(ContractError, match="'idd', which the batch does not have; did you mean 'id'"):
        merge(either, "(1, 5, 'a')", key=("idd",))


@pytest.mark.parametrize("mode", ["replace", "append", "merge"])
def test_new_columns_are_added_and_absent_ones_become_null(either: House, mode: str):
    given = {"mode": mode, "key": ("id",), "newest_by": "id", "windowed": mode != "replace"}
    either.load("SELECT 1 AS id, 'a' AS v", **given)
    either.load("SELECT 2 AS id, 2.5 AS extra", window=day(1), **given)

    rows = either.rows("SELECT id, v, extra::DOUBLE FROM staging_shop.orders ORDER BY id")

    assert ([(1, "a", None)] if mode != "replace" else []) + [(2, None, 2.5)] == rows


def test_names_differ_in_more_than_case(either: House):
    either.load("SELECT 1 AS id, 'a' AS Name", mode="append", windowed=True)
    either.load("SELECT 2 AS ID, 'b' AS name", mode="append", windowed=True, window=day(1))

    assert [(1, "a"), (2, "b")] == either.rows()


@pytest.mark.parametrize("mode", ["replace", "append", "merge"])
def test_a_wider_type_widens_the_table_and_a_narrower_one_fits(either: House, mode: str):
    given = {"mode": mode, "key": ("id",), "newest_by": "id", "windowed": mode != "replace"}
    either.load("SELECT 1::INTEGER AS id", **given)
    either.load("SELECT 5000000000::BIGINT AS id", window=day(1), **given)
    either.load("SELECT 3::SMALLINT AS id", window=day(2), **given)

    expected = [(3,)] if mode == "replace" else [(1,), (3,), (5_000_000_000,)]

    assert expected == either.rows("SELECT id FROM staging_shop.orders ORDER BY id")
    assert [("BIGINT",)] == either.rows("SELECT DISTINCT typeof(id) FROM staging_shop.orders")


@pytest.mark.parametrize("mode", ["append", "merge"])
def test_a_changed_type_is_refused_by_both_names_and_the_table_stays(either: House, mode: str):
    given = {"mode": mode, "key": ("id",), "newest_by": "id", "windowed": True}
    either.load(TWO, **given)

    told = "v is VARCHAR as loaded and INTEGER in this batch.* `dataflow table cast shop orders v 'INTEGER'`"
    with pytest.raises(ContractError, match=told):
        either.load("SELECT 1 AS id, 5 AS v, 1 AS added", window=day(1), **given)
    assert [(1, "a"), (2, "b")] == either.rows()


def test_where_no_row_stays_a_type_may_change(either: House):
    either.load(TWO)

    either.load("SELECT 1 AS id, 5 AS v", window=day(1))

    assert [(1, 5)] == either.rows()


def test_a_load_of_no_file_is_refused(either: House):
    request = LoadRequest("shop", "orders", "replace", "r1", day(0), [])
    with (
        open_warehouse(either.settings, purpose="test") as connection,
        pytest.raises(FatalError, match="no staged file"),
    ):
        load(connection, request)


@pytest.mark.parametrize("mode", ["replace", "append", "merge"])
def test_a_load_that_is_told_to_stop_before_its_commit_leaves_the_table_as_it_is(either: House, mode: str):
    given = {"mode": mode, "key": ("id",), "newest_by": "v"}
    either.load("SELECT 1 AS id, 'a' AS v", **given)

    def stop() -> None:
        raise TrySuperseded("r1", "transform.orders", 1, 2)

    with pytest.raises(TrySuperseded):
        either.load("SELECT 1 AS id, 'b' AS v, 3 AS more", before_commit=stop, **given)

    assert [(1, "a")] == either.rows()


@pytest.mark.postgres
def test_a_load_that_contradicts_a_later_one_on_a_lake_asks_again_whether_it_may(lake: House):
    lake.load("SELECT 1 AS id")
    asked: list[int] = []

    def ask() -> None:
        asked.append(1)
        if len(asked) == 1:
            load_without_a_turn(lake, "SELECT 2 AS id")
        else:
            raise TrySuperseded("r1", "transform.orders", 1, 2)

    with pytest.raises(TrySuperseded):
        load_without_a_turn(lake, "SELECT 3 AS id", before_commit=ask)

    assert [(2,)] == lake.rows()


def load_without_a_turn(lake: House, query: str, **given: Any) -> None:
    """Load as a process whose turn the server forgot."""
    request = LoadRequest("shop", "orders", "replace", "r1", day(0), lake.stage(query))
    with open_warehouse(lake.settings, purpose="test") as connection:
        load(connection, request, **given)


def test_parts_of_one_batch_may_differ_in_columns(either: House):
    parts = either.stage("SELECT 1 AS id") + either.stage("SELECT 2 AS id, 'b' AS v")
    with open_warehouse(either.settings, purpose="test") as connection:
        load(connection, LoadRequest("shop", "orders", "replace", "r1", day(0), parts))

    assert [(1, None), (2, "b")] == either.rows()


TYPES = [
    "TINYINT",
    "SMALLINT",
    "INTEGER",
    "BIGINT",
    "UTINYINT",
    "UINTEGER",
    "UBIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL(4,2)",
    "DECIMAL(12,2)",
    "DECIMAL(20,4)",
    "VARCHAR",
    "DATE",
    "TIMESTAMP",
]


@given(st.sampled_from(TYPES), st.sampled_from(TYPES))
def test_reconciling_is_the_same_from_both_sides(one: str, other: str):
    def outcome(loaded: str, batch: str) -> str:
        try:
            return reconcile("shop", "orders", {"v": loaded}, {"v": batch})["v"]
        except ContractError:
            return "refused"

    assert outcome(one, other) == outcome(other, one)
    assert outcome(one, other) in {one, other, "refused"}

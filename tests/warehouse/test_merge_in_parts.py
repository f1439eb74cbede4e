"""A merge of more rows than memory holds is done part by part, and leaves what one in one piece leaves."""

from __future__ import annotations

import pytest

from dataflow.duckdb_memory import memory_of
from dataflow.errors import ContractError
from dataflow.warehouse import merge
from dataflow.warehouse.connection import open_warehouse
from kit.warehouse import House, day

HOW = {"mode": "merge", "key": ("id",), "newest_by": "age", "windowed": True}
LOADED = "SELECT i::INTEGER AS id, 'old' AS v, 1 AS age FROM range(3000) t(i)"
BATCH = "SELECT (i * 2)::BIGINT AS id, 'new' AS v, CASE WHEN i % 3 = 0 THEN 0 ELSE 2 END AS age FROM range(3000) t(i)"
OUTCOME = "SELECT v, count(*), count(DISTINCT id), sum(id) FROM staging_shop.orders GROUP BY v ORDER BY v"


@pytest.fixture(autouse=True)
def in_parts(monkeypatch: pytest.MonkeyPatch, either: House) -> None:
    """Let three thousand rows be some parts."""
    with open_warehouse(either.settings, purpose="test") as connection:
        monkeypatch.setattr(merge, "BYTES_OF_A_ROW", memory_of(connection) // 500)


def test_newer_rows_take_the_place_of_older_ones_whatever_the_keys_types(either: House):
    either.load(LOADED, **HOW)
    result = either.load(BATCH, window=day(1), **HOW)

    newer = [i * 2 for i in range(3000) if i >= 1500 or i % 3]
    older = sorted(set(range(3000)) - set(newer))
    assert [("new", len(newer), len(newer), sum(newer)), ("old", len(older), len(older), sum(older))] == either.rows(
        OUTCOME
    )
    assert (3000, 2500, 4500) == (result.rows_in, result.rows_written, result.rows_after)


def test_rows_of_one_key_are_settled_in_each_part(either: House):
    either.load(LOADED, **HOW)
    either.load(f"{BATCH} UNION ALL {BATCH} UNION ALL SELECT 5, 'newest', 9", window=day(1), **HOW)

    assert [("new", 2500), ("newest", 1), ("old", 1999)] == either.rows(
        "SELECT v, count(*) FROM staging_shop.orders GROUP BY v ORDER BY v"
    )


def test_unequal_rows_of_one_key_in_any_part_leave_the_table_as_it_is(either: House):
    either.load(LOADED, **HOW)

    with pytest.raises(ContractError, match="unequal rows of one key and the same age in one batch: id = 4000;"):
        either.load(f"{BATCH} UNION ALL SELECT 4000, 'other', 2", window=day(1), **HOW)

    assert [("old", 3000, 3000, sum(range(3000)))] == either.rows(OUTCOME)


def test_keys_of_several_columns_are_compared_in_the_same_part(either: House):
    rows = "SELECT i AS a, 'k' || i % 7 AS b, {age} AS age FROM range(3000) t(i)"
    how = HOW | {"key": ("A", "b")}
    either.load(rows.format(age=1), **how)
    either.load(rows.format(age=2), window=day(1), **how)

    assert [(3000, 2)] == either.rows("SELECT count(*), min(age) FROM staging_shop.orders")


def test_the_memory_of_a_database_is_what_it_was_bound_to(house: House):
    with open_warehouse(house.settings, purpose="test") as connection:
        connection.execute("SET memory_limit = '128MB'")

        assert 127_000_000 < memory_of(connection) < 129_000_000

"""What holds for every batch, whatever the order of its rows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.identifiers import quote
from dataflow.interval import Interval
from dataflow.spec.transforms import TransformBody
from dataflow.transforms.apply import apply_stages

WINDOW = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
KEYED = {"deduplicate": {"key": "id", "order_by": "version desc"}}
STAGES: list[Any] = [
    {"derive": {"double": "version * 2"}},
    {"filter": "double >= 2"},
    {"cast": {"double": "VARCHAR"}},
    {"rename": {"double": "twice"}},
    "add_timestamps",
    KEYED,
]

Row = tuple[int | None, int | None, str | None, str]
small = st.one_of(st.none(), st.integers(0, 3))
batches = st.lists(
    st.tuples(small, small, st.sampled_from([None, "a", "b"]), st.sampled_from(["r1", "r2"])), max_size=25
)


def apply(rows: list[Row], *stages: Any) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE t (id INTEGER, version INTEGER, name VARCHAR, _dataflow_run VARCHAR)")
        if rows:
            connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
        relation = apply_stages(
            connection,
            TransformBody.model_validate({"stages": list(stages)}),
            name="t",
            source="t",
            window=WINDOW,
            python=lambda name, relation: str(relation),
            check=lambda check, relation: None,
        )
        return connection.execute(f"SELECT * FROM {quote(relation)} ORDER BY ALL").fetchall()


@settings(deadline=None, max_examples=60)
@given(rows=batches, data=st.data())
def test_the_order_in_which_rows_arrive_changes_nothing(rows, data):
    shuffled = data.draw(st.permutations(rows))

    assert apply(rows, *STAGES) == apply(shuffled, *STAGES)


@settings(deadline=None, max_examples=60)
@given(rows=batches)
def test_keyed_deduplicate_gives_one_row_a_key_and_repeats_nothing(rows):
    once = apply(rows, KEYED)

    newest = {
        key: max((row[1] for row in rows if row[0] == key and row[1] is not None), default=None)
        for key in {row[0] for row in rows}
    }
    assert newest == {row[0]: row[1] for row in once}
    assert len(newest) == len(once)
    assert set(once) <= set(rows)
    assert once == apply(rows, KEYED, KEYED)


@settings(deadline=None, max_examples=60)
@given(rows=batches)
def test_bare_deduplicate_gives_each_row_of_the_author_once(rows):
    once = apply(rows, "deduplicate")

    assert {row[:3] for row in rows} == {row[:3] for row in once}
    assert len({row[:3] for row in rows}) == len(once)
    assert set(once) <= set(rows)
    assert once == apply(rows, "deduplicate", "deduplicate")

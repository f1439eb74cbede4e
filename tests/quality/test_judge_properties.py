"""Checks judge what plain Python would, whatever the names and values."""

from __future__ import annotations

from collections import Counter

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.quality.judge import judge
from dataflow.spec.checks import Check
from kit.judging import WINDOW

names = st.text(st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1)


@settings(deadline=None)
@given(column=names, value=names)
def test_names_and_values_of_any_letters_are_judged_as_what_they_are(column, value):
    with duckdb.connect() as connection:
        quoted = column.replace('"', '""')
        connection.execute(f'CREATE TABLE t ("{quoted}" VARCHAR)')
        connection.execute("INSERT INTO t VALUES (?), (?), (NULL)", [value, value + "!"])

        outcomes = judge(
            connection,
            "t",
            [
                Check(not_null=column),
                Check(unique=column),
                Check(accepted_values={"column": column, "values": [value]}),
                Check(null_rate={"column": column, "max": 0.1}),
                Check(schema={"columns": {column: "VARCHAR"}, "others": "refuse"}),
            ],
            window=WINDOW,
            tables={},
        )

    assert [1, 0, 1, 1, 0] == [outcome.failures for outcome in outcomes], outcomes


values = st.one_of(st.none(), st.integers(0, 5))


@settings(deadline=None)
@given(rows=st.lists(st.tuples(values, values), max_size=40), share=st.integers(0, 100))
def test_counts_equal_a_plain_python_reference(rows, share):
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t (a INTEGER, b INTEGER)")
        if rows:
            connection.executemany("INSERT INTO t VALUES (?, ?)", rows)

        not_null, unique, tolerated = judge(
            connection,
            "t",
            [Check(not_null=["a", "b"]), Check(unique=["a", "b"]), Check(not_null=["a"], max_failures=f"{share}%")],
            window=WINDOW,
            tables={},
        )

    known = Counter(row for row in rows if None not in row)
    nulls_of_a = sum(a is None for a, _ in rows)
    assert sum(None in row for row in rows) == not_null.failures
    assert sum(count for count in known.values() if count > 1) == unique.failures
    assert len(rows) == not_null.rows == unique.rows
    assert (nulls_of_a * 100 <= share * len(rows)) == (tolerated.status == "passed")

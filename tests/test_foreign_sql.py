from __future__ import annotations

import pytest

from dataflow.foreign_sql import begins_to_read


@pytest.mark.parametrize(
    "query",
    [
        "select 1",
        "SELECT\t1",
        "with x as (select 1) select * from x",
        "values (1)",
        "((select 1) union (select 2))",
        "-- of today\n# of MySQL\n/* several\n lines */ select 1",
        "select*from t",
    ],
)
def test_what_begins_to_read_is_taken(query: str) -> None:
    assert begins_to_read(query)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "replace into t values (1)",
        "selected()",
        "call tidy()",
        "exec tidy",
        "-- select\ndelete from t",
        "/*! delete from t */ select 1",
        "/*M! delete from t */ select 1",
        "/* a /* b */ select 1 */ delete from t",
        "/* never closed select 1",
        "; delete from t",
    ],
)
def test_what_begins_otherwise_is_not(query: str) -> None:
    assert not begins_to_read(query)

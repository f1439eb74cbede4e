"""A column that SQL takes for a word of its own is told as that, and nothing else is."""

from __future__ import annotations

from functools import partial

import duckdb
import pytest

from dataflow.linting.sql_syntax import AROUND
from dataflow.linting.unquoted import column_to_quote

COLUMNS = frozenset({"order", "Group", "when", "unit price", "from", "amount"})


def meant(text: str, form: str = "expression") -> str | None:
    with duckdb.connect() as connection:
        return column_to_quote(text, COLUMNS, parses=partial(parses, connection, AROUND[form]))


def parses(connection: duckdb.DuckDBPyConnection, around: str, text: str) -> bool:
    try:
        return len(connection.extract_statements(around.format(text))) == 1
    except duckdb.Error:
        return False


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("order > 5", '"order"'),
        ("GROUP = 'ö' and order_id > 1", '"GROUP"'),
        ("'ö' || order", '"order"'),
        ("case when when is null then 1 else 2 end", '"when"'),
        ("coalesce(order, 0) + order", '"order"'),
        ("unit price > 2", '"unit price"'),
    ],
)
def test_a_column_that_is_a_word_of_sql_is_to_be_quoted(text: str, column: str):
    assert column == meant(text)


@pytest.mark.parametrize("text", ["amount >", "amount + * 2", "limit > 3", "'order' amount amount", "(order"])
def test_what_quotes_do_not_mend_is_something_else(text: str):
    assert meant(text) is None


def test_a_query_keeps_its_own_words():
    assert '"from"' == meant("select from from orders", "query")

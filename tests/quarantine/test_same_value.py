"""Equal values are the same however their types write them, and different values never are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dataflow.quarantine.fingerprint import as_text, fingerprint, fingerprint_of_texts
from dataflow.queries import columns_of_query


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}) as opened:
        opened.execute("SET TimeZone = 'Asia/Kolkata'")
        yield opened


def print_of(connection: duckdb.DuckDBPyConnection, value: str, **others: str) -> str:
    """Give the fingerprint of a row of one value, or of several."""
    row = "SELECT " + ", ".join(f'{given} AS "{name}"' for name, given in {"value": value, **others}.items())
    columns = columns_of_query(connection, row)
    return str(connection.execute(f"SELECT {fingerprint(columns)} FROM ({row})").fetchall()[0][0])


def as_types(value: str, kinds: str) -> list[str]:
    return [f"({value})::{kind}" for kind in kinds.split("; ")]


SAME = [
    as_types("1", "TINYINT; BIGINT; HUGEINT; UHUGEINT; DECIMAL(12,2); DECIMAL(38,0); FLOAT; DOUBLE"),
    as_types("-5", "BIGINT; DECIMAL(12,2); DECIMAL(14,3); DOUBLE"),
    [*as_types("0", "BIGINT; DECIMAL(2,2); DECIMAL(14,3); DOUBLE"), "'-0.0'::DOUBLE"],
    as_types("1000", "BIGINT; DECIMAL(12,2); FLOAT; DOUBLE"),
    as_types("'0.1'", "DECIMAL(2,2); DECIMAL(38,20); FLOAT; DOUBLE"),
    as_types("'100000000000000000000'", "HUGEINT; DECIMAL(38,2); DOUBLE; BIGNUM"),
    as_types("'0.0000001'", "DECIMAL(38,20); DOUBLE"),
    as_types("'nan'", "FLOAT; DOUBLE"),
    as_types("'2024-01-01'", "DATE; TIMESTAMP; TIMESTAMP_S; TIMESTAMP_MS; TIMESTAMP_NS"),
    [*as_types("'2024-01-01'", "DATE; TIMESTAMP"), "'2024-01-01 05:30:00+05:30'::TIMESTAMPTZ"],
    [
        *as_types("'2024-01-01 10:00:00.5'", "TIMESTAMP; TIMESTAMP_MS; TIMESTAMP_NS"),
        "'2024-01-01 12:00:00.5+02'::TIMESTAMPTZ",
    ],
    as_types("'infinity'", "DATE; TIMESTAMP; TIMESTAMPTZ"),
    as_types("'10:00:00.500'", "TIME; TIME"),
    as_types("[1, 2]", "TINYINT[]; DOUBLE[]; DECIMAL(12,2)[]; BIGINT[2]"),
    as_types("[['2024-01-01'], NULL]", "DATE[][]; TIMESTAMP[][]"),
    as_types("{'a': 1, 'b': [2]}", "STRUCT(a INTEGER, b INTEGER[]); STRUCT(a DECIMAL(5,2), b DOUBLE[])"),
    ["{'a': 1}", "{'A': 1.0, 'b': NULL}"],
    as_types("MAP {1: 2}", "MAP(INTEGER, INTEGER); MAP(BIGINT, DECIMAL(5,2))"),
]
DIFFERENT = [
    ["0.1::DECIMAL(38,20)", "'0.10000000000000001'::DECIMAL(38,20)", "0.01", "1", "10", "-1", "0", "NULL", "''"],
    ["'abc'", "'ABC'", "'abc '", "''", "NULL::VARCHAR"],
    ["'1'", "'1.0'", "'01'"],
    ["'inf'::DOUBLE", "'-inf'::DOUBLE", "'nan'::DOUBLE", "0::DOUBLE"],
    ["123456789012345678901234567890::HUGEINT", "123456789012345678901234567891::HUGEINT"],
    ["'1e300'::DOUBLE", "'1e301'::DOUBLE", "'1e-300'::DOUBLE"],
    ["TIMESTAMP '2024-01-01 10:00:00'", "TIMESTAMP '2024-01-01 10:00:00.000001'", "DATE '2024-01-01'"],
    ["[1, 2]", "[12]", "[1, NULL, 2]", "[2, 1]", "[]::INTEGER[]", "NULL::INTEGER[]"],
    ["['a,b']", "['a', 'b']", "['a\",\"b']", "[NULL]::VARCHAR[]", "['']"],
    ["{'a': 1, 'b': 2}", "{'a': 2, 'b': 1}", "{'a': NULL::INTEGER}", "NULL::STRUCT(a INTEGER)"],
    ["MAP {1: 2}", "MAP {2: 1}", "MAP {1: NULL::INTEGER}", "MAP {}::MAP(INTEGER, INTEGER)"],
]


@pytest.mark.parametrize("values", SAME, ids=lambda values: values[0])
def test_a_value_is_the_same_whatever_type_it_has(connection, values: list[str]):
    assert 1 == len({print_of(connection, value) for value in values})


@pytest.mark.parametrize("values", DIFFERENT, ids=lambda values: values[0])
def test_values_that_differ_are_different_rows(connection, values: list[str]):
    # A NULL and no value at all are one; within the rows above only one of each is NULL.
    assert len(values) == len({print_of(connection, value) for value in values})


def test_no_text_passes_for_the_next_column(connection):
    apart = {
        print_of(connection, "'a'", other="'b'"),
        print_of(connection, "'b'", other="'a'"),
        print_of(connection, "'a' || chr(31) || 'other=b'", other="NULL"),
        print_of(connection, """'a"],["other","b'"""),
    }

    assert 4 == len(apart)


def test_a_column_that_is_null_is_as_good_as_none(connection):
    assert print_of(connection, "1") == print_of(connection, "1.0", other="NULL::VARCHAR")


quickly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NUMBERS = st.decimals(min_value=-(10**9), max_value=10**9, places=4)


@quickly
@given(one=NUMBERS, other=NUMBERS)
def test_numbers_are_the_same_where_they_are_equal_and_only_there(connection, one: Decimal, other: Decimal):
    def prints(number: Decimal) -> set[str]:
        return {print_of(connection, each) for each in as_types(f"'{number}'", KINDS + exact_integers(number))}

    assert 1 == len(prints(one))
    assert (one == other) == bool(prints(one) & prints(other))


KINDS = "DECIMAL(14,4); DECIMAL(38,10); DOUBLE"


def exact_integers(number: Decimal) -> str:
    return "; BIGINT; HUGEINT" if number == int(number) else ""


@quickly
@given(one=st.floats(allow_nan=False), other=st.floats(allow_nan=False))
def test_doubles_are_the_same_where_they_are_equal_and_only_there(connection, one: float, other: float):
    assert (one == other) == (
        print_of(connection, f"'{one!r}'::DOUBLE") == print_of(connection, f"'{other!r}'::DOUBLE")
    )


@quickly
@given(number=st.floats(allow_nan=False, allow_infinity=False, min_value=-1e18, max_value=1e18))
def test_a_double_is_the_number_that_its_shortest_writing_says(connection, number: float):
    exact = Decimal(repr(number))
    if Fraction(exact) * 10**18 % 1 == 0:
        assert print_of(connection, f"'{number!r}'::DOUBLE") == print_of(connection, f"'{exact:f}'::DECIMAL(38,18)")


@quickly
@given(moment=st.datetimes(), later=st.integers(0, 2))
def test_moments_are_the_same_where_they_are_equal_and_only_there(connection, moment: datetime, later: int):
    assume(moment.year < 9999)
    other = moment + timedelta(microseconds=later)

    in_zone = print_of(connection, f"'{other.isoformat()}+00'::TIMESTAMPTZ")

    assert (later == 0) == (print_of(connection, f"TIMESTAMP '{moment.isoformat()}'") == in_zone)


@quickly
@given(one=st.text(max_size=5), other=st.text(max_size=5))
def test_texts_are_the_same_only_where_they_are_equal(connection, one: str, other: str):
    def printed(text: str) -> str:
        return print_of(connection, f"CAST(unhex('{text.encode('utf-8', 'replace').hex()}') AS BLOB)::VARCHAR")

    if "\0" not in one + other:
        assert (one == other) == (printed(one) == printed(other))


VALUES: list[Any] = ["1", "-5.00", "0.10", "[1.50, NULL]", "{'a': 1.50, 'b': ['x']}", "TIMESTAMP '2024-01-01'", "'a'"]


@pytest.mark.parametrize("value", VALUES)
def test_a_row_whose_values_were_put_down_as_texts_is_the_same_row(connection, value: str):
    kind = str(connection.execute(f"SELECT typeof({value})").fetchall()[0][0])
    texts = f"SELECT {as_text(value, kind)} AS value"
    of_texts = fingerprint_of_texts(["value"], kinds={"value": kind})

    assert [(print_of(connection, value),)] == connection.execute(f"SELECT {of_texts} FROM ({texts})").fetchall()


def test_a_text_that_is_no_value_of_its_type_counts_as_that_text(connection):
    columns = fingerprint_of_texts(["value"], kinds={"value": "DECIMAL(12,2)"})
    texts = "SELECT unnest(['five', 'six', '5', '5.00']) AS value"

    found = [row[0] for row in connection.execute(f"SELECT {columns} FROM ({texts})").fetchall()]

    assert 3 == len(set(found))
    assert found[2] == found[3]

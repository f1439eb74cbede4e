"""A value that one option of the reader would take is told with that option."""

from __future__ import annotations

import duckdb
import pytest

from dataflow.sources.contract.way_out import HOW_CSV_IS_WRITTEN, HOW_TIMES_ARE_WRITTEN, named, ways_out
from dataflow.sources.reading import RawColumn


def told(value: str, declared: str, *, unset: frozenset[str] = HOW_CSV_IS_WRITTEN, sensitive: bool = False) -> str:
    column = RawColumn("it", "c0", "VARCHAR", declared, unset=unset, sensitive=sensitive)
    with duckdb.connect() as connection:
        return named(ways_out(connection, column, value=value))


@pytest.mark.parametrize(
    ("value", "declared", "option"),
    [
        ("31.12.2025", "DATE", 'dateformat: "%d.%m.%Y"'),
        ("31.12.25", "DATE", 'dateformat: "%d.%m.%y"'),
        ("12/31/2025", "DATE", 'dateformat: "%m/%d/%Y"'),
        ("20251231", "DATE", 'dateformat: "%Y%m%d"'),
        ("31.12.2025 10:15", "TIMESTAMP", 'timestampformat: "%d.%m.%Y %H:%M"'),
        ("12/31/2025 10:15 PM", "TIMESTAMP WITH TIME ZONE", 'timestampformat: "%m/%d/%Y %I:%M %p"'),
        ("31.12.2025", "TIMESTAMP", 'timestampformat: "%d.%m.%Y"'),
        ("1,50", "DECIMAL(12,2)", 'decimal_separator: ","'),
        ("-1,5", "DOUBLE", 'decimal_separator: ","'),
        ("1.234,50", "DOUBLE", 'thousands: ".", decimal_separator: ","'),
        ("1.234.567", "BIGINT", 'thousands: ".", decimal_separator: ","'),
        ("1,234.50", "DECIMAL(12,2)", 'thousands: ","'),
        ("1,234", "BIGINT", 'thousands: ","'),
        ("1 234", "BIGINT", 'thousands: " "'),
        ("N/A", "BIGINT", 'nullstr: ["", "N/A"]'),
        ("NULL", "DECIMAL(12,2)", 'nullstr: ["", "NULL"]'),
        ("-", "DATE", 'nullstr: ["", "-"]'),
        ("\\N", "TIMESTAMP", 'nullstr: ["", "\\\\N"]'),
    ],
)
def test_the_option_with_which_the_value_fits_is_named(value: str, declared: str, option: str):
    assert f"set `options: {{{option}}}`" == told(value, declared)


def test_where_two_would_do_both_are_named():
    assert 'set `options: {dateformat: "%d/%m/%Y"}` or `options: {dateformat: "%m/%d/%Y"}`' == told(
        "03/04/2025", "DATE"
    )
    assert 'set `options: {decimal_separator: ","}` or `options: {thousands: ","}`' == told("1,234", "DOUBLE")


@pytest.mark.parametrize(
    ("value", "declared"),
    [
        ("five", "BIGINT"),
        ("31.02.2025", "DATE"),
        ("31.12.2025 10:15", "DATE"),
        ("1,505", "DECIMAL(3,2)"),
        ("1,2,3", "DOUBLE"),
        ("1.234", "BIGINT"),
        ("12.50 EUR", "DECIMAL(12,2)"),
        ("N/A", "BOOLEAN"),
        ("31.12.2025", "VARCHAR"),
    ],
)
def test_what_no_option_reads_names_none(value: str, declared: str):
    assert "" == told(value, declared)


def test_an_option_that_is_set_or_that_the_reader_does_not_have_is_not_named():
    assert "" == told("31.12.2025", "DATE", unset=HOW_CSV_IS_WRITTEN - {"dateformat"})
    assert "" == told("1,50", "DOUBLE", unset=HOW_TIMES_ARE_WRITTEN)


def test_of_a_sensitive_column_no_option_quotes_the_value():
    assert "" == told("N/A", "BIGINT", sensitive=True)
    assert "%d.%m.%Y" in told("31.12.2025", "DATE", sensitive=True)

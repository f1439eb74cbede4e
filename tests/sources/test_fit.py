"""A cast never changes a value in silence: it fits as it is, or it is a misfit, whatever it comes from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataflow.identifiers import literal
from dataflow.sources.contract.fit import canonical_type, fit

MISFIT = object()
DAY = date(2025, 1, 31)


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def landed(duck: duckdb.DuckDBPyConnection, value: str, kind: str, declared: str, *, form: str | None = None) -> object:
    """Give what a strict read lands of a value, `MISFIT` where it fails; a lenient read has to see it alike."""
    kind, declared = (canonical_type(each, column="x") for each in (kind, declared))
    duck.execute(f"create or replace temp table given as select cast({value} as {kind}) as x")
    cast = fit("x", kind, declared=declared, form=form)
    strict: object = MISFIT
    with suppress(duckdb.Error):
        strict = duck.execute(f"select {cast.value} from given").fetchall()[0][0]
    judged = duck.execute(f"select {cast.misfit or 'false'}, {cast.attempt} from given").fetchall()
    assert [(strict is MISFIT, None if strict is MISFIT else strict)] == judged
    return strict


@pytest.mark.parametrize(
    ("value", "declared", "expected"),
    [
        ("7.0", "BIGINT", 7),
        ("1e3", "BIGINT", 1000),
        ("1.7", "BIGINT", MISFIT),
        ("15e-1", "BIGINT", MISFIT),
        ("-7", "TINYINT", -7),
        ("12.3000", "DECIMAL(12,2)", Decimal("12.30")),
        ("12", "DECIMAL(12,2)", Decimal("12.00")),
        ("1.5e3", "DECIMAL(12,2)", Decimal("1500.00")),
        ("12.345", "DECIMAL(12,2)", MISFIT),
        ("9" * 38, "HUGEINT", 10**38 - 1),
        ("-" + "9" * 38, "HUGEINT", 1 - 10**38),
        ("1" + "0" * 38, "HUGEINT", MISFIT),
        ("-1e38", "HUGEINT", MISFIT),
        ("1.5", "HUGEINT", MISFIT),
        ("1" + "0" * 38, "UHUGEINT", MISFIT),
        (f"[1{'0' * 38}]", "HUGEINT[]", MISFIT),
        ("1e-3", "DECIMAL(12,2)", MISFIT),
        ("9.9999e9", "DECIMAL(12,2)", Decimal("9999900000.00")),
        ("-9.9999e9", "DECIMAL(12,2)", Decimal("-9999900000.00")),
        ("1.0000e10", "DECIMAL(12,2)", MISFIT),
        ("-1.2300e+2", "DECIMAL(4,2)", MISFIT),
        ("1.2e-1", "DECIMAL(3,2)", Decimal("0.12")),
        ("1.5e-9", "DECIMAL(12,4)", MISFIT),
        ("1.e-9", "DECIMAL(12,3)", MISFIT),
        (".5", "DECIMAL(12,0)", MISFIT),
        ("0.30000000000000004", "DECIMAL(12,2)", MISFIT),
        ("NaN", "DECIMAL(12,2)", MISFIT),
        ("Infinity", "DECIMAL(12,2)", MISFIT),
        ("1e400", "DOUBLE", MISFIT),
        ("1e39", "FLOAT", MISFIT),
        ("inf", "DOUBLE", float("inf")),
        ("2", "BOOLEAN", MISFIT),
        ("2025-01-31", "DATE", DAY),
        ("2025-01-31T00:00:00", "DATE", DAY),
        ("2025-01-31 10:00:00", "DATE", MISFIT),
        ("2025-01-31T00:00:00.0000001", "DATE", MISFIT),
        (" 2025-1-31 ", "DATE", DAY),
        ("2025-01-3O", "DATE", MISFIT),
        ("2025-01-31 garbage", "DATE", MISFIT),
        ("2025-01-31 10:00 PM", "DATE", MISFIT),
        (" 10:00:00 ", "TIME", time(10)),
        ("10:00:00 PM", "TIME", MISFIT),
        ("1:00:00x", "TIME", MISFIT),
        ("10:00:00+00 PM", "TIMETZ", MISFIT),
        ("10:00:00.1234567+00", "TIMETZ", MISFIT),
        ("10:00:00+00", "TIMETZ", time(10, tzinfo=UTC)),
        ("2025-1-1 10:00:00.1234567", "TIMESTAMPTZ", MISFIT),
        ("2025-01-31T00:00:00+02:00", "DATE", MISFIT),
        ("10:00:00.123456", "TIME", time(10, 0, 0, 123456)),
        ("10:00:00+02", "TIME", MISFIT),
        ("2025-01-31 10:00:00", "TIME", MISFIT),
        ("10:00:00.1234567", "TIME", MISFIT),
        ("10:00:00+02", "TIMETZ", MISFIT),
        ("2025-01-31T10:00:00Z", "TIMESTAMP", datetime.fromisoformat("2025-01-31T10:00")),
        ("2025-01-31T10:00:00.1234560", "TIMESTAMP", datetime.fromisoformat("2025-01-31T10:00:00.123456")),
        ("2025-01-31T10:00:00+02:00", "TIMESTAMP", MISFIT),
        ("2025-01-31T10:00+02", "TIMESTAMP", MISFIT),
        ("2025-01-31T10:00:00.1234567", "TIMESTAMP", MISFIT),
        ("2025-01-31T10:00:00.5", "TIMESTAMP_S", MISFIT),
        ("2025-01-31T10:00:00.123456+02:00", "TIMESTAMPTZ", datetime(2025, 1, 31, 8, 0, 0, 123456, UTC)),
        ("2025-01-31T10:00:00.1234567Z", "TIMESTAMPTZ", MISFIT),
        ("1.5 seconds", "INTERVAL", timedelta(seconds=1.5)),
        ("1.5 milliseconds", "INTERVAL", MISFIT),
        ("[1, null]", "BIGINT[]", [1, None]),
        ("null", "BIGINT[]", None),
        ("[1.7]", "BIGINT[]", MISFIT),
        ("[[1], [2.5]]", "BIGINT[][]", MISFIT),
        ("[1, 2.5]", "BIGINT[2]", MISFIT),
        ("[12.345]", "DECIMAL(12,2)[]", MISFIT),
        ('{"a": {"b": ["2025-01-31"]}}', "STRUCT(a STRUCT(b DATE[]))", {"a": {"b": [DAY]}}),
        ('{"a": {"b": ["2025-01-31 10:00:00"]}}', "STRUCT(a STRUCT(b DATE[]))", MISFIT),
        ('{"a": 1, "b": 2}', "STRUCT(a BIGINT)", MISFIT),
        ('{"a": 1.7}', "MAP(VARCHAR, BIGINT)", MISFIT),
        ('{"a": 1, "b": 1}', "MAP(VARCHAR, BIGINT)", {"a": 1, "b": 1}),
        ('{"a": 1, "a": 1}', "MAP(VARCHAR, BIGINT)", MISFIT),
        ('{"a": "x", "a": "y"}', "MAP(VARCHAR, VARCHAR)", MISFIT),
        ('{"a": [{"k": "x", "k": null}]}', "STRUCT(a MAP(VARCHAR, VARCHAR)[])", MISFIT),
        ('{"a": {"k": 1, "k": 1}, "b": null}', "MAP(VARCHAR, MAP(VARCHAR, JSON))", MISFIT),
        ('{"1": 1, "1.0": 2}', "MAP(BIGINT, BIGINT)", MISFIT),
        ("{}", "MAP(VARCHAR, VARCHAR)", {}),
        ('{"1.5": 1}', "MAP(BIGINT, BIGINT)", MISFIT),
        ('[{"x": [1.5]}]', "JSON[]", ['{"x":[1.5]}']),
    ],
)
def test_a_text_fits_or_is_a_misfit(
    duck: duckdb.DuckDBPyConnection, value: str, declared: str, expected: object
) -> None:
    assert expected == landed(duck, literal(value), "VARCHAR", declared)


@pytest.mark.parametrize(
    ("value", "kind", "declared", "expected"),
    [
        ("12.34", "DOUBLE", "DECIMAL(12,2)", Decimal("12.34")),
        ("12.345", "DOUBLE", "DECIMAL(12,2)", MISFIT),
        ("'nan'", "DOUBLE", "DECIMAL(12,2)", MISFIT),
        ("'inf'", "DOUBLE", "BIGINT", MISFIT),
        ("123456789012.1", "DOUBLE", "DECIMAL(38,10)", Decimal("123456789012.1000000000")),
        ("0.1", "FLOAT", "DECIMAL(12,2)", Decimal("0.10")),
        ("1.5", "DOUBLE", "BIGINT", MISFIT),
        ("12.340", "DECIMAL(10,3)", "DECIMAL(12,2)", Decimal("12.34")),
        ("12.345", "DECIMAL(10,3)", "DECIMAL(12,2)", MISFIT),
        ("99999999999", "DECIMAL(11,0)", "DECIMAL(5,2)", MISFIT),
        ("1", "DECIMAL(3,1)", "BOOLEAN", True),
        ("1.5", "DECIMAL(3,1)", "BOOLEAN", MISFIT),
        ("2", "BIGINT", "BOOLEAN", MISFIT),
        ("'2025-01-31 10:00:00'", "TIMESTAMP", "DATE", MISFIT),
        ("'2025-01-31 10:00:00'", "TIMESTAMP", "TIME", MISFIT),
        ("'2025-01-31 10:00:00.5'", "TIMESTAMP", "TIMESTAMP_S", MISFIT),
        ("'2025-01-31 10:00:00.123456789'", "TIMESTAMP_NS", "TIMESTAMP", MISFIT),
        (
            "'2025-01-31 10:00:00.123456'",
            "TIMESTAMP_NS",
            "TIMESTAMP",
            datetime.fromisoformat("2025-01-31T10:00:00.123456"),
        ),
        ("'2025-01-31 10:00:00.123456789'", "TIMESTAMP_NS", "TIMESTAMPTZ", MISFIT),
        ("'2025-01-31 10:00:00+02'", "TIMESTAMPTZ", "TIMESTAMP", datetime.fromisoformat("2025-01-31T08:00")),
        ("'10:00:00+02'", "TIMETZ", "TIME", MISFIT),
        ("'10:00:00+02'", "TIMETZ", "TIMETZ", MISFIT),
        ("'1.5 milliseconds'", "INTERVAL", "INTERVAL", MISFIT),
        ("[1.0]", "DOUBLE[]", "BIGINT[]", [1]),
        ("[1.7]", "DOUBLE[]", "BIGINT[]", MISFIT),
        ("[0.1]", "DOUBLE[]", "DECIMAL(38,20)[]", [Decimal("0.10000000000000000000")]),
        ("['1.55']", "VARCHAR[]", "DECIMAL(3,1)[]", MISFIT),
        ("{'a': 1.5}", "STRUCT(a DOUBLE)", "STRUCT(a BIGINT)", MISFIT),
        ("{'a': 1, 'b': 2}", "STRUCT(a BIGINT, b BIGINT)", "STRUCT(a BIGINT)", MISFIT),
        ("map {'a': 1.5}", "MAP(VARCHAR, DOUBLE)", "MAP(VARCHAR, BIGINT)", MISFIT),
        ("[1, 2]", "BIGINT[]", "JSON", "[1,2]"),
        ("'1.7'", "JSON", "BIGINT", MISFIT),
        ("'\"7\"'", "JSON", "BIGINT", 7),
    ],
)
def test_a_value_of_one_type_fits_another_or_is_a_misfit(
    duck: duckdb.DuckDBPyConnection, value: str, kind: str, declared: str, expected: object
) -> None:
    assert expected == landed(duck, value, kind, declared)


@pytest.mark.parametrize(("value", "expected"), [("31.01.2025 00:00", DAY), ("31.01.2025 10:00", MISFIT)])
def test_a_date_of_its_own_form_has_no_time(duck: duckdb.DuckDBPyConnection, value: str, expected: object) -> None:
    assert expected == landed(duck, literal(value), "VARCHAR", "DATE", form="%d.%m.%Y %H:%M")


DIGITS = st.text("0123456789", max_size=22)
NUMBERS = st.builds(
    lambda sign, whole, fraction, power: sign + (whole or "0") + (f".{fraction}" if fraction else "") + power,
    st.sampled_from(["", "-"]),
    DIGITS,
    DIGITS,
    st.one_of(st.just(""), st.integers(-25, 25).map(lambda power: f"e{power}")),
)
DECIMALS = st.tuples(st.integers(1, 38), st.integers(0, 38)).filter(lambda p: p[1] <= p[0])
FIXED = st.sampled_from(["TINYINT", "BIGINT", "HUGEINT", "UBIGINT"])


@settings(max_examples=600, deadline=None)
@given(NUMBERS, st.one_of(FIXED, DECIMALS.map(lambda p: f"DECIMAL({p[0]},{p[1]})")), st.booleans())
@example("15e-1", "DECIMAL(5,0)", False)
@example("1.5e-3", "DECIMAL(9,3)", False)
def test_a_number_is_landed_as_it_was_written_or_not_at_all(text: str, declared: str, within: bool) -> None:
    with duckdb.connect() as duck:
        value = json.dumps([text]) if within else text

        found: Any = landed(duck, literal(value), "VARCHAR", f"{declared}[]" if within else declared)

    assert found is MISFIT or Decimal(text) == Decimal(found[0] if within else found)


@settings(max_examples=300, deadline=None)
@given(st.floats(), st.one_of(FIXED, DECIMALS.map(lambda p: f"DECIMAL({p[0]},{p[1]})")))
@example(0.1, "DECIMAL(38,20)")
def test_a_double_is_landed_as_it_prints_or_not_at_all(number: float, declared: str) -> None:
    with duckdb.connect() as duck:
        found: Any = landed(duck, f"'{number!r}'", "DOUBLE", declared)

    meant = Decimal(repr(number)) if declared.startswith("DECIMAL") else Decimal(number)
    assert found is MISFIT or meant == Decimal(found)


ZONES = st.one_of(st.none(), st.integers(-18, 18).map(lambda hours: timezone(timedelta(hours=hours / 2))))


@settings(max_examples=300, deadline=None)
@given(
    st.datetimes(datetime.fromisoformat("1900-01-01"), datetime.fromisoformat("2200-01-01"), timezones=ZONES),
    st.text("0123456789", max_size=3),
    st.sampled_from(["DATE", "TIME", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMPTZ"]),
)
def test_a_moment_is_landed_with_all_that_was_written_or_not_at_all(moment: datetime, more: str, declared: str) -> None:
    digits = f"{moment.microsecond:06}{more}"
    seconds = moment.isoformat(timespec="seconds")
    text = f"{seconds[:19]}.{digits}{seconds[19:]}"

    with duckdb.connect() as duck:
        duck.execute("set TimeZone = 'UTC'")
        found: Any = landed(duck, literal(text), "VARCHAR", declared)

    if found is MISFIT:
        return
    assert not more.strip("0")
    assert declared != "TIME"
    as_utc = (found if isinstance(found, datetime) else datetime.combine(found, time())).replace(tzinfo=UTC)
    assert (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) == as_utc
    assert declared == "TIMESTAMPTZ" or moment.utcoffset() is None

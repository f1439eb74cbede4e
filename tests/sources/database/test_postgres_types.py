"""PostgreSQL's types: each lands as it is, or is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa

from dataflow.errors import ContractError
from kit.ingest import ingest_source, landed
from kit.postgres_source import Server

pytestmark = pytest.mark.postgres


TYPES = [
    ("numeric(12,2)", "1.10", "DECIMAL(12,2)", Decimal("1.10")),
    ("numeric", "12345678901234567890.12345678901234567890", "VARCHAR", "12345678901234567890.12345678901234567890"),
    ("numeric", "NaN", "VARCHAR", "NaN"),
    ("numeric(50,10)", "1.5", "VARCHAR", "1.5000000000"),
    ("numeric(5,-2)", "12300", "VARCHAR", "12300"),
    ("bigint", "9007199254740993", "BIGINT", 9007199254740993),
    ("smallint", "3", "SMALLINT", 3),
    ("real", "1.5", "FLOAT", 1.5),
    ("double precision", "NaN", "DOUBLE", "nan"),
    ("boolean", "true", "BOOLEAN", True),
    ("text", "ä\tb\\N", "VARCHAR", "ä\tb\\N"),
    ("char(4)", "ab", "VARCHAR", "ab"),
    ('"char"', "z", "VARCHAR", "z"),
    ("date", "2025-01-01", "DATE", date(2025, 1, 1)),
    ("time", "01:02:03.000004", "TIME", time(1, 2, 3, 4)),
    ("timetz", "01:02:03+02", "VARCHAR", "01:02:03+02"),
    ("timestamp", "2025-01-01 01:02:03.123456", "TIMESTAMP", datetime.fromisoformat("2025-01-01 01:02:03.123456")),
    (
        "timestamptz",
        "2025-01-01 01:02:03.123456+02",
        "TIMESTAMP WITH TIME ZONE",
        datetime(2024, 12, 31, 23, 2, 3, 123456, tzinfo=UTC),
    ),
    ("interval", "1 mon 2 days 00:00:01.000001", "VARCHAR", "1 mon 2 days 00:00:01.000001"),
    ("json", '{"a": 1.10}', "JSON", '{"a": 1.10}'),
    ("jsonb", '{"a": [1, null]}', "JSON", '{"a": [1, null]}'),
    ("uuid", "00000000-0000-0000-0000-000000000001", "UUID", UUID(int=1)),
    ("bytea", "\\x00ff", "BLOB", b"\x00\xff"),
    ("int[]", "{1,2,NULL}", "INTEGER[]", [1, 2, None]),
    ("text[]", '{"a,b",NULL}', "VARCHAR[]", ["a,b", None]),
    ("numeric[]", "{12345678901234567890.5}", "VARCHAR[]", ["12345678901234567890.5"]),
    ("timestamptz[]", "{2025-01-01 00:00+00}", "TIMESTAMP WITH TIME ZONE[]", [datetime(2025, 1, 1, tzinfo=UTC)]),
    ("jsonb[]", '{"{\\"a\\": 1}"}', "VARCHAR[]", ['{"a": 1}']),
    ("mood", "glad", "VARCHAR", "glad"),
    ("mood[]", "{glad,sad}", "VARCHAR[]", ["glad", "sad"]),
    ("price", "3.33", "DECIMAL(10,2)", Decimal("3.33")),
    ("pair", "(1,q)", "JSON", '{"x":1,"y":"q"}'),
    ("money", "12.34", "DECIMAL(22,4)", Decimal("12.3400")),
    ("inet", "10.0.0.1", "VARCHAR", "10.0.0.1/32"),
    ("int4range", "[1,5)", "VARCHAR", "[1,5)"),
    ("bit(3)", "101", "VARCHAR", "101"),
    ("oid", "5", "BIGINT", 5),
]


@pytest.mark.parametrize(("kind", "given", "as_landed", "value"), TYPES, ids=[f"{t[0]} {t[1]}"[:40] for t in TYPES])
def test_a_type_lands_as_it_is(
    tmp_path: Path, server: Server, kind: str, given: str, as_landed: str, value: object
) -> None:
    server.run(
        "create type mood as enum ('glad', 'sad')",
        "create domain price as numeric(10,2)",
        "create type pair as (x int, y text)",
        f"create table things (id int, thing {kind})",
    )
    with server.engine.begin() as connection:
        connection.execute(
            sa.text(f"insert into things values (1, cast(:given as {kind})), (2, null)"), {"given": given}
        )

    manifest = ingest_source(tmp_path, server.source(table="things"))

    assert as_landed == manifest.data_columns["thing"]
    (one,), (other,) = landed(manifest, "thing")
    assert (str(one) if value == "nan" else one, other) == (value, None)


def test_moments_beyond_what_python_knows_are_kept(tmp_path: Path, server: Server) -> None:
    server.run(
        "create table things as select timestamp 'infinity' as a, timestamptz '-infinity' as b, "
        "date '0044-03-15 BC' as c, timestamp '290000-01-01' as d"
    )

    manifest = ingest_source(tmp_path, server.source(table="things"))

    assert [("infinity", "-infinity", "0044-03-15 (BC)", "290000-01-01 00:00:00")] == landed(
        manifest, "a::varchar, b::varchar, c::varchar, d::varchar"
    )


def test_a_decimal_that_is_no_number_is_told_and_a_double_takes_it(tmp_path: Path, server: Server) -> None:
    server.run("create table things (amount numeric(12,2))", "insert into things values (1.5), ('NaN')")

    with pytest.raises(ContractError, match=r'column "amount" holds NaN.*DOUBLE'):
        ingest_source(tmp_path, server.source(table="things"))

    manifest = ingest_source(tmp_path, server.source(table="things", columns={"amount": "DOUBLE"}))
    assert ["1.5", "nan"] == [str(value) for (value,) in landed(manifest)]


def test_arrays_of_more_dimensions_are_told_and_json_takes_them(tmp_path: Path, server: Server) -> None:
    server.run("create table things (grid int[])", "insert into things values ('{{1,2},{3,4}}')")

    with pytest.raises(ContractError, match=r"an array of 2 dimensions.*JSON"):
        ingest_source(tmp_path, server.source(table="things"))

    assert [("[[1,2],[3,4]]",)] == landed(
        ingest_source(tmp_path, server.source(table="things", columns={"grid": "JSON"}))
    )


@pytest.mark.parametrize(
    ("kind", "value", "declared"),
    [
        ("numeric(12,3)", "12.345", "DECIMAL(12,2)"),
        ("numeric", "12.345", "DECIMAL(12,2)"),
        ("float8", "1.5", "BIGINT"),
        ("timestamptz", "2025-01-01 10:00:00+00", "DATE"),
        ("timetz", "10:00:00+02", "TIME"),
        ("numeric[]", "{1.5,2}", "BIGINT[]"),
        ("interval", "1.0005 seconds", "INTERVAL"),
        ("jsonb", '{"a": 1.5}', "STRUCT(a BIGINT)"),
    ],
)
def test_a_value_that_its_declared_type_would_change_is_told(
    tmp_path: Path, server: Server, kind: str, value: str, declared: str
) -> None:
    server.run(f"create table t as select '{value}'::{kind} as v")

    with pytest.raises(ContractError, match=r't: row 1: column "v": .* is not a '):
        ingest_source(tmp_path, server.source(table="t", columns={"v": declared}))

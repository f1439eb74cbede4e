"""PostgreSQL as a source, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from dataflow.errors import ContractError, FatalError, TransientError
from dataflow.interval import Interval
from dataflow.landing.manifest import Manifest
from kit.databases import postgres_schema
from kit.ingest import ingest_source, landed

pytestmark = pytest.mark.postgres


class Server:
    """A schema of its own on the server for tests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(url)

    def run(self, *statements: str) -> None:
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def source(self, **keys: Any) -> dict[str, Any]:
        return {"type": "database", "url": self.url, **keys}


@pytest.fixture
def server() -> Iterator[Server]:
    with postgres_schema() as url:
        given = Server(url)
        yield given
        given.engine.dispose()


def landed_types(manifest: Manifest) -> dict[str, str]:
    return dict(manifest.data_columns)


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

    assert as_landed == landed_types(manifest)["thing"]
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


def test_declared_columns_are_chosen_and_cast_strictly(tmp_path: Path, server: Server) -> None:
    server.run("create table things (id int, amount numeric, note text)", "insert into things values (1, 2.5, 'x')")

    chosen = ingest_source(tmp_path, server.source(table="things", columns={"amount": "DECIMAL(5,1)"}))
    assert [(Decimal("2.5"),)] == landed(chosen)

    with pytest.raises(ContractError, match=r"things: row 1: column \"amount\": '2\.5' is not a BIGINT"):
        ingest_source(tmp_path, server.source(table="things", columns={"amount": "BIGINT"}))


def test_names_of_every_kind_are_read(tmp_path: Path, server: Server) -> None:
    server.run(
        'create table "We ird""s" ("Order Id" int, "order" int, "a;b" text)',
        'insert into "We ird""s" values (1, 2, \'c\')',
    )

    manifest = ingest_source(tmp_path, server.source(table='We ird"s'))

    assert ["Order Id", "order", "a;b"] == list(landed_types(manifest))
    assert [(1, 2, "c")] == landed(manifest)


def test_an_empty_table_lands_its_columns(tmp_path: Path, server: Server) -> None:
    server.run("create table things (id int, thing jsonb)")

    manifest = ingest_source(tmp_path, server.source(table="things"))

    assert ({"id": "INTEGER", "thing": "JSON"}, 0) == (landed_types(manifest), manifest.rows)


def test_a_query_is_read(tmp_path: Path, server: Server) -> None:
    server.run("create table things as select i as id from generate_series(1, 5) i")

    manifest = ingest_source(
        tmp_path,
        server.source(
            query="with big as (select * from things where id > 3)\nselect id, id * 2 as twice from big -- done"
        ),
    )

    assert [(4, 8), (5, 10)] == landed(manifest)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        (
            "select idd from things",
            r"the query of orders: PostgreSQL refuses this: column \"idd\" does not exist; .*id",
        ),
        ("select 1/(id-1) as x from things", "division by zero"),
        ("select id, id from things", "two columns are named id"),
        ("delete from things returning id", "PostgreSQL refuses this"),
        ("select * from things; drop table things", "PostgreSQL refuses this"),
        ("with gone as (delete from things returning id) select * from gone", "PostgreSQL refuses this"),
    ],
)
def test_a_query_that_the_server_refuses_is_told(tmp_path: Path, server: Server, query: str, said: str) -> None:
    server.run("create table things as select 1 as id")

    with pytest.raises(ContractError, match=said):
        ingest_source(tmp_path, server.source(query=query))

    server.run("insert into things values (2)")


def test_nothing_can_be_written(tmp_path: Path, server: Server) -> None:
    server.run("create sequence numbers")

    with pytest.raises(ContractError, match="read-only"):
        ingest_source(tmp_path, server.source(query="select nextval('numbers') as n"))


def test_a_missing_table_is_told_with_those_that_are_like_it(tmp_path: Path, server: Server) -> None:
    server.run("create table customers (id int)")

    with pytest.raises(ContractError, match=r"there is no table custmers; did you mean test_\w+\.customers\?"):
        ingest_source(tmp_path, server.source(table="custmers"))
    with pytest.raises(ContractError, match=r"there is no table nix\.customers; did you mean test_\w+\.customers\?"):
        ingest_source(tmp_path, server.source(table="nix.customers"))


def test_a_missing_column_is_told_with_those_that_are_like_it(tmp_path: Path, server: Server) -> None:
    server.run("create table customers (customer_id int, name text)")

    with pytest.raises(ContractError, match=r'customers: no column "custmer_id".*did you mean "customer_id"'):
        ingest_source(tmp_path, server.source(table="customers", columns={"custmer_id": "BIGINT"}))


MARCH = Interval(datetime(2025, 3, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize("kind", ["timestamptz", "timestamp", "date", "text"])
def test_an_incremental_table_gives_the_range_alone(tmp_path: Path, server: Server, kind: str) -> None:
    time = {"date": "", "timestamptz": " 00:00:00+00"}.get(kind, " 00:00:00")
    days = ["2025-02-28", "2025-03-01", "2025-03-31", "2025-04-01"]
    server.run(
        f"create table things (id int, changed {kind})",
        *(f"insert into things values ({number}, '{day}{time}')" for number, day in enumerate(days)),
    )

    manifest = ingest_source(tmp_path, server.source(table="things", incremental={"cursor": "changed"}), cursor=MARCH)

    assert [1, 2] == sorted(number for (number,) in landed(manifest, "id"))
    # The database itself is asked for the range; a text is not compared there.
    assert (2 if kind == "text" else 0) == manifest.cut_rows


def test_a_row_without_a_cursor_is_told(tmp_path: Path, server: Server) -> None:
    server.run("create table things (id int, changed timestamptz)", "insert into things values (1, null)")

    with pytest.raises(ContractError, match='the cursor column "changed" is NULL in 1 of 1 rows'):
        ingest_source(tmp_path, server.source(table="things", incremental={"cursor": "changed"}), cursor=MARCH)


def test_a_refused_login_is_told_without_the_password(tmp_path: Path, server: Server) -> None:
    url = sa.make_url(server.url).set(username="nobody_here", password="hunter2secret")

    with pytest.raises(FatalError, match=r"refuses the login.*nobody_here") as caught:
        ingest_source(
            tmp_path, {"type": "database", "url": url.render_as_string(hide_password=False), "table": "things"}
        )

    assert "hunter2secret" not in str(caught.value)


def test_a_database_that_is_not_there_is_fatal(tmp_path: Path, server: Server) -> None:
    url = sa.make_url(server.url).set(database="no_such_database")

    with pytest.raises(FatalError, match="refuses the login"):
        ingest_source(tmp_path, {"type": "database", "url": url.render_as_string(), "table": "things"})


def test_a_server_that_is_gone_may_come_back(tmp_path: Path, unused_port: int) -> None:
    with pytest.raises(TransientError, match=r"cannot be reached: .*Connection refused"):
        ingest_source(
            tmp_path,
            {"type": "database", "url": f"postgresql://ada:hunter2secret@127.0.0.1:{unused_port}/x", "table": "t"},
        )


@pytest.mark.parametrize("url", ["not a url", "postgresql://ada:hunter2secret@host:port/x"])
def test_a_url_that_is_none_is_not_shown(tmp_path: Path, url: str) -> None:
    with pytest.raises(FatalError, match=r"sources\.orders\.url holds no URL") as caught:
        ingest_source(tmp_path, {"type": "database", "url": url, "table": "things"})

    assert "hunter2" not in str(caught.value)
    assert url not in str(caught.value)


def test_an_airflow_connection_says_where(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    server.run("create table things as select 1 as id")
    url = sa.make_url(server.url)
    extra = f"?options={url.query['options'].replace('=', '%3D')}&cursor=dictcursor"
    monkeypatch.setenv(
        "AIRFLOW_CONN_SHOP_DB", f"postgres://{url.username}:x@{url.host}:{url.port}/{url.database}{extra}"
    )

    assert [(1,)] == landed(ingest_source(tmp_path, {"type": "database", "connection": "shop_db", "table": "things"}))


def test_a_password_of_any_characters_is_passed_on(tmp_path: Path, server: Server) -> None:
    password = "p' a\\ss@/%:w\"d$$"
    role = f"role_{sa.make_url(server.url).query['options'][-8:]}"
    with server.engine.begin() as connection:
        schema = connection.exec_driver_sql("select current_schema()").scalar_one()
    server.run(
        "create table things as select 1 as id",
        f'create role "{role}" login',
        f'grant usage on schema {schema} to "{role}"',
        f'grant select on things to "{role}"',
    )
    try:
        url = sa.make_url(server.url).set(username=role, password=password)
        assert [(1,)] == landed(
            ingest_source(
                tmp_path, {"type": "database", "url": url.render_as_string(hide_password=False), "table": "things"}
            )
        )
        server.run(f'revoke select on things from "{role}"')
        with pytest.raises(FatalError, match="permission denied for table things"):
            ingest_source(
                tmp_path, {"type": "database", "url": url.render_as_string(hide_password=False), "table": "things"}
            )
    finally:
        server.run(f'drop owned by "{role}"', f'drop role "{role}"')


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

"""What SQL writes to, statement by statement."""

from __future__ import annotations

import duckdb
import pytest
from duckdb import StatementType

from dataflow.warehouse.dbt.bounds import Bounds
from dataflow.warehouse.dbt.writes import targets_of

WRITING = [
    "insert into other.t select a, 1 from shop.s",
    "insert or replace into other.t by name select 1 as a",
    "insert into other.t default values returning a",
    "with x as (select 1), y as (select 2) insert into other.t(a) select a from x",
    "with x as (select 1) update other.t set a = 1",
    "update other.t set a = 1",
    "delete from other.t using shop.s where t.a = s.a",
    "truncate other.t",
    "truncate table other.t",
    "merge into other.t using shop.s s on (t.a = s.a) when matched then update set b = 1",
    "create table other.t as select 1",
    "create table other.t as pivot (select 1 as a, 2 as b) on a using sum(b)",
    "create or replace view other.t as select 1",
    "create table if not exists other.t (a int)",
    "create index i on other.t(a)",
    "create unique index if not exists i on other.t(a)",
    "create or replace macro other.t(x) as table select x",
    "create sequence other.t",
    "create type other.t as enum ('a')",
    "drop table if exists other.t cascade",
    "drop macro table other.t",
    "drop index other.t",
    "alter table if exists other.t add column x int",
    "alter view other.t rename to u",
    "comment on table other.t is 'x'",
    "copy other.t(a, b) from 'x.csv' (format csv)",
    "explain analyze delete from other.t",
    "explain (analyze) delete from other.t",
    "prepare p as delete from other.t",
    '/* delete from shop.x; */ Delete -- from shop.y\n FROM "other" . T',
]
OF_SCHEMAS = [
    "create schema if not exists other",
    "drop schema other cascade",
    "use other",
    "set schema = 'other'",
    "set session search_path = 'other'",
]
HARMLESS = [
    "select 'insert into other.t' as \"delete from other.t\" from other.t -- drop table other.t",
    "with x as (select 1) select * from x, other.t",
    "from other.t",
    "copy other.t to 'x.csv'",
    "copy (select * from other.t) to 'x.csv'",
    "explain insert into other.t select 1",
    "pivot other.t on a",
    "describe other.t",
    "set variable schema_of = 'other'",
    "begin",
    "set threads = 2",
    "select 'it is not closed",
    "",
]
KINDS = {
    *(StatementType.INSERT, StatementType.UPDATE, StatementType.DELETE, StatementType.MERGE_INTO),
    *(StatementType.CREATE, StatementType.DROP, StatementType.ALTER, StatementType.COPY),
    *(StatementType.EXPLAIN, StatementType.PREPARE, StatementType.SET),
}


@pytest.mark.parametrize("sql", WRITING)
def test_the_table_that_a_statement_writes_is_found(sql: str) -> None:
    assert [("other",)] == [target.within for target in targets_of(sql)]
    assert ["other.t"] == [target.name for target in targets_of(sql)]


@pytest.mark.parametrize("sql", OF_SCHEMAS)
def test_a_schema_that_a_statement_changes_or_moves_to_is_found(sql: str) -> None:
    assert [("other",)] == [target.within for target in targets_of(sql)]


@pytest.mark.parametrize("sql", HARMLESS)
def test_statements_that_only_read_write_to_nothing(sql: str) -> None:
    assert [] == list(targets_of(sql))


@pytest.mark.parametrize("sql", [*WRITING, *OF_SCHEMAS])
def test_these_are_statements_of_duckdb(sql: str) -> None:
    with duckdb.connect() as connection:
        assert KINDS & {statement.type for statement in connection.extract_statements(sql)}


@pytest.mark.parametrize(
    ("sql", "within"),
    [
        ("drop table t", ()),
        ('insert into "warehouse"."other"."a.b" select 1', ("warehouse", "other")),
        ('delete from "o""t".t', ('o"t',)),
        ("comment on column other.t.a is 'x'", ("other",)),
        ("copy from database a to warehouse", ("warehouse", "*")),
        ("create temp table t as select 1", ()),
    ],
)
def test_catalog_and_schema_are_told_apart_from_the_name(sql: str, within: tuple[str, ...]) -> None:
    assert [within] == [target.within for target in targets_of(sql)]


def test_every_statement_of_several_is_judged() -> None:
    assert ["a.b", "c"] == [each.name for each in targets_of("select ';'; drop table a.b; select 1; drop schema c")]


@pytest.mark.parametrize(
    "sql",
    [
        'create table "warehouse"."shop"."daily__dbt_tmp" as select 1',
        "drop schema if exists shop_dbt_test__audit cascade",
        "delete from staging_shop.events",
        "create temporary table t as select 1",
        "create macro twice(x) as 2 * x",
        "create table warehouse.t as select 1",
        "insert into of_the_house.other.t select 1",
        "use warehouse",
    ],
)
def test_a_workflow_writes_in_its_own_schemas_and_where_nobodys_are(sql: str) -> None:
    assert "" == Bounds("shop", "warehouse", frozenset({"other", "shop_report"})).trespass(sql)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("delete from other.t", "may not write to other.t, which is of the workflow other"),
        ('drop table "Warehouse"."Other"."T"', "may not write to warehouse.other.t, which is of the workflow other"),
        ("delete from staging_other.t", "may not write to staging_other.t, which is of the workflow other"),
        ("insert into shop_report.t select 1", "which is of the workflow shop_report"),
        ("create schema shop_report_audit", "which is of the workflow shop_report"),
        ("delete from _dataflow.builds", "may not write to _dataflow.builds, which is not its own"),
        ("copy from database memory to warehouse", "may not write to warehouse.*, which is not its own"),
    ],
)
def test_it_does_not_write_in_others(sql: str, told: str) -> None:
    assert told in Bounds("shop", "warehouse", frozenset({"other", "shop_report"})).trespass(sql)

"""``dataflow source sample``: what a source could say, shown, and written only where that is asked for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from kit.databases import postgres_schema
from kit.program import Program
from kit.project import Project
from kit.unruly_api import UnrulyApi, says

FILE = """\
# Orders, as the shop sends them.
description: Orders of the shop.
owner: sales          # ask Ada
sources:
  orders:
    type: file
    path: data/*.csv  # one a day
    format: csv
"""


def write_csv(project: Project) -> Path:
    folder = project.write_workflow("shop", FILE)
    project.write_file(
        "include/workflows/shop/data/a.csv",
        "Order Id;placed;amount\n1;2025-01-05T09:30:00Z;4.5\n2;2025-01-06T09:30:00Z;1\n",
    )
    return folder / "config.yaml"


def test_a_sample_is_shown_and_nothing_is_written(project: Project, dataflow: Program) -> None:
    config = write_csv(project)

    answer = dataflow("source", "sample", "shop", "orders")

    assert 0 == answer.code, answer.err
    assert "+    columns:" not in config.read_text()
    assert "+    columns: {Order Id: BIGINT, placed: TIMESTAMPTZ, amount: DOUBLE}" in answer.out
    assert "Nothing is written" in answer.out
    assert FILE == config.read_text()


def test_what_is_written_validates_and_leaves_the_rest_as_it_is(project: Project, dataflow: Program) -> None:
    config = write_csv(project)

    answer = dataflow("source", "sample", "shop", "orders", "--write", "--json")

    assert 0 == answer.code, answer.err
    assert {"rows": 2, "key": "Order Id", "cursor": None, "written": True}.items() <= answer.json.items()
    written = config.read_text()
    assert written.startswith(FILE)
    assert "    options: {delim: ;}\n" in written.replace("';'", ";")
    assert 0 == dataflow("config", "validate", "shop").code
    assert 0 == dataflow("workflow", "run", "shop").code
    again = dataflow("source", "sample", "shop", "orders", "--write", "--json")
    assert (False, "") == (again.json["written"], again.json["diff"])


@pytest.mark.parametrize(
    ("rows", "columns", "key"),
    [
        (
            "account,customer\n12345678901234567890,7\n12345678901234567891,7\n",
            {"account": "HUGEINT", "customer": "BIGINT"},
            ("account",),
        ),
        ("country,id\nde,1\nde,2\n", {"country": "VARCHAR", "id": "BIGINT"}, ("id",)),
        ("country,amount\nde,1.5\nde,2.5\n", {"country": "VARCHAR", "amount": "DOUBLE"}, ()),
    ],
)
def test_a_key_of_a_file_is_proposed_only_where_no_row_is_lost_to_it(
    project: Project, dataflow: Program, rows: str, columns: dict[str, str], key: tuple[str, ...]
) -> None:
    project.write_workflow("shop", FILE)
    project.write_file("include/workflows/shop/data/a.csv", rows)

    answer = dataflow("source", "sample", "shop", "orders", "--write")

    assert 0 == answer.code, answer.err
    spec = project.workflow("shop").spec
    assert columns == {name: column.type for name, column in spec.sources["orders"].columns.items()}
    assert key == (tuple(spec.load["orders"].key or ()) if "orders" in spec.load else ())
    assert 0 == dataflow("workflow", "run", "shop").code


def test_a_file_is_sampled_in_the_encoding_that_its_options_say(project: Project, dataflow: Program) -> None:
    project.write_workflow("shop", FILE + "    options: {encoding: latin-1}\n")
    (project.folder("shop") / "data").mkdir()
    (project.folder("shop") / "data" / "a.csv").write_bytes("id,Größe\n1,2\n".encode("latin-1"))

    answer = dataflow("source", "sample", "shop", "orders")

    assert "+    columns: {id: BIGINT, Größe: BIGINT}" in answer.out, answer.err


def test_a_table_of_sqlite_proposes_key_and_cursor(project: Project, dataflow: Program) -> None:
    folder = project.write_workflow(
        "shop",
        "description: Shop.\nowner: sales\nschedule: '@daily'\nstart_date: 2025-01-01\nsources:\n"
        '  customers: {type: database, url: "${SHOP_DB}", table: customers}\n',
    )
    with closing(sqlite3.connect(folder / "shop.db")) as database, database:
        database.execute("create table customers (name text, customer_id integer, updated_at timestamp)")
        database.execute(
            "insert into customers values ('a', 1, '2025-01-01 00:00:00'), ('a', 2, '2025-01-01 00:00:00')"
        )

    answer = dataflow("source", "sample", "shop", "customers", "--write", SHOP_DB="sqlite:///shop.db")

    assert 0 == answer.code, answer.err
    source = project.workflow("shop").spec.sources["customers"]
    assert {"name": "VARCHAR", "customer_id": "BIGINT", "updated_at": "TIMESTAMP"} == {
        name: column.type for name, column in source.columns.items()
    }
    assert source.incremental is not None
    assert ("updated_at", ("customer_id",), "updated_at") == (
        source.incremental.cursor,
        project.workflow("shop").spec.load["customers"].key,
        project.workflow("shop").spec.load["customers"].newest_by,
    )


@pytest.mark.postgres
def test_a_number_of_postgres_gets_the_digits_that_it_needs(project: Project, dataflow: Program) -> None:
    config = (
        "description: Shop.\nowner: sales\nsources:\n"
        '  things:\n    type: database\n    url: "${SHOP_DB}"\n    table: things\n'
    )
    project.write_workflow("shop", config)
    with postgres_schema() as url:
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            connection.exec_driver_sql(
                "create table things as select 1 as id, 1.234::numeric as amount, "
                "0.12345678901234567890::numeric as share, "
                "-12345678901234567890.12345678901234567890::numeric as wide union select 2, 5, 1, 1"
            )
        engine.dispose()

        answer = dataflow("source", "sample", "shop", "things", "--json", SHOP_DB=url)

    assert 0 == answer.code, answer.err
    expected = {"id": "INTEGER", "amount": "DECIMAL(38,3)", "share": "DECIMAL(38,20)", "wide": "VARCHAR"}
    assert expected == answer.json["columns"]


def test_what_cannot_be_sampled_is_told(project: Project, dataflow: Program) -> None:
    project.write_workflow("shop", FILE)

    missing = dataflow("source", "sample", "shop", "order")
    assert (1, True) == (missing.code, "shop has no source 'order'; did you mean 'orders'?" in missing.err)
    no_file = dataflow("source", "sample", "shop", "orders")
    assert (2, True) == (no_file.code, "no file data/*.csv" in no_file.err)
    project.write_workflow("made")
    mock = dataflow("source", "sample", "made", "events")
    assert (1, True) == (mock.code, "a source of type mock cannot be sampled" in mock.err)


def test_a_secret_is_not_shown(project: Project, dataflow: Program) -> None:
    config = (
        'description: Shop.\nowner: sales\nsources:\n  things: {type: database, url: "${SHOP_DB}", table: things}\n'
    )
    project.write_workflow("shop", config)

    answer = dataflow("source", "sample", "shop", "things", SHOP_DB="postgresql://ada:hunter2secret@127.0.0.1:1/x")

    assert 2 == answer.code
    assert "cannot be reached" in answer.err
    assert "hunter2secret" not in answer.err + answer.out


def test_the_first_page_of_an_api_proposes_its_columns_and_its_paging(project: Project, dataflow: Program) -> None:
    with UnrulyApi() as api:
        records = [
            {"id": 1, "paid": True, "updated_at": "2025-01-05T09:30:00Z", "items": [{"sku": "a"}]},
            {"id": 2, "paid": False, "updated_at": "2025-01-06T09:30:00Z", "items": []},
        ]
        api.routes["/orders"] = says(records, headers={"Link": f'<{api.url}/orders?page=2>; rel="next"'})
        project.write_workflow(
            "shop",
            "description: Shop.\nowner: sales\nstart_date: 2025-01-01\nsources:\n"
            f"  orders:\n    type: api\n    url: {api.url}/orders\n",
        )

        answer = dataflow("source", "sample", "shop", "orders", "--write")

        assert (0, 1) == (answer.code, len(api.asked)), answer.err
    source = project.workflow("shop").spec.sources["orders"]
    assert {"id": "BIGINT", "paid": "BOOLEAN", "items": "JSON"}.items() <= {
        name: column.type for name, column in source.columns.items()
    }.items()
    assert "link" == source.pagination.type
    assert "updated_at" == source.incremental.cursor

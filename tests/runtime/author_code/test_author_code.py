"""What functions of an author are given in a run, what they may give back, and how their faults are told."""

from __future__ import annotations

import duckdb
import pytest

from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.warehouse.snapshot import current_snapshot
from kit.named_orders import published, run
from kit.project import DAILY
from kit.runs import days


def test_author_code_that_crashes_is_told_with_its_line(shop):
    shop.write_file("include/workflows/shop/transform.py", "def orders(ctx, orders, customers):\n    return 1 / 0\n")
    result = run(shop, window=days(0, 3))

    assert "transform.orders" == result.failed_step
    assert "include/workflows/shop/transform.py:2: shop, transform:orders: ZeroDivisionError" in result.error


def test_a_function_gets_and_gives_dataframes_where_annotated_so(shop):
    code = """
from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def orders(ctx, orders: pd.DataFrame, customers: "pd.DataFrame") -> pd.DataFrame:
    return orders.merge(customers, on="customer_id", how="left")
"""
    shop.write_file("include/workflows/shop/transform.py", code)
    result = run(shop, window=days(0, 3))

    assert ("success", None) == (result.status, result.error)
    assert [(1, "Ada"), (2, "Grace")] == published(shop, "orders", columns="order_id, name")


def test_a_function_may_give_an_arrow_table(shop):
    code = "def orders(ctx, orders):\n    return orders.to_arrow_table()\n"
    shop.write_file("include/workflows/shop/transform.py", code)

    assert ("success", None) == (run(shop, window=days(0, 3)).status, None)
    assert [(1,), (2,)] == published(shop, "orders", columns="order_id")


def test_a_dataframe_keeps_decimals_dates_and_whole_numbers_beside_nulls(project):
    config = {
        "description": "d",
        "owner": "o",
        "sources": {
            "trips": {
                "type": "python",
                "columns": {
                    "n": "BIGINT",
                    "price": "DECIMAL(12,2)",
                    "on_day": "DATE",
                    "at": "TIMESTAMPTZ",
                    "ok": "BOOLEAN",
                },
            }
        },
        "transform": {"trips": [{"python": "trips"}]},
    }
    code = """
def trips(ctx):
    yield [
        {"n": 9007199254740993, "price": "0.10", "on_day": "2025-01-01", "at": "2025-01-01T00:00:00Z", "ok": True},
        {"n": None, "price": None, "on_day": None, "at": None, "ok": None},
    ]
"""
    project.write_workflow(
        "travel", config, ingestion=code, transform="def trips(ctx, trips: 'DataFrame'):\n    return trips\n"
    )
    result = run(project, "travel")
    types = duckdb.sql(f"describe from '{current_snapshot(project.settings(), 'travel').parquet('trips')}'").fetchall()

    assert ("success", None) == (result.status, result.error)
    assert config["sources"]["trips"]["columns"] | {"at": "TIMESTAMP WITH TIME ZONE"} | {"price": "DECIMAL(12,2)"} == {
        row[0]: row[1] for row in types
    }
    assert [(9007199254740993, "0.10"), (None, None)] == published(
        project, "trips", columns="n, price::varchar", name="travel"
    )


@pytest.mark.parametrize(
    "given", ["None", "[{'order_id': 1}]", "(row for row in [])", "orders.to_arrow_table().to_pandas()['order_id']"]
)
def test_a_function_that_gives_no_table_is_told_what_to_return(shop, given):
    shop.write_file("include/workflows/shop/transform.py", f"def orders(ctx, orders):\n    return {given}\n")

    assert "return a table: a DuckDB relation, a DataFrame or an Arrow table" in run(shop, window=days(0, 3)).error


@pytest.mark.parametrize(
    "given",
    [
        "orders.to_arrow_table().combine_chunks().to_batches()[0]",
        "pa.dataset.dataset(orders.to_arrow_table().to_batches()).to_table()",
        "orders.arrow().read_all()",
        "orders.join(customers, 'customer_id').to_arrow_table()",
        "written(orders)",
    ],
)
def test_every_kind_of_arrow_table_keeps_its_rows(shop, tmp_path, given):
    code = f"""
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet


def written(rows):
    pa.parquet.write_table(rows.to_arrow_table(), "{tmp_path / "rows.parquet"}")
    return pa.dataset.dataset("{tmp_path / "rows.parquet"}")


def orders(ctx, orders, customers):
    return {given}
"""
    shop.write_file("include/workflows/shop/transform.py", code)

    assert ("success", None) == ((done := run(shop, window=days(0, 3))).status, done.error)
    assert [(1,), (2,)] == published(shop, "orders", columns="order_id")


@pytest.mark.parametrize(
    ("given", "kind"),
    [
        ("orders.arrow()", "RecordBatchReader"),
        ("pyarrow.dataset.dataset(orders.arrow())", "InMemoryDataset"),
        ("pyarrow.dataset.Scanner.from_batches(orders.arrow())", "Scanner"),
    ],
)
def test_rows_that_are_read_only_later_are_refused_since_the_next_query_would_lose_them(shop, given, kind):
    code = f"import pyarrow.dataset\n\n\ndef orders(ctx, orders):\n    return {given}\n"
    shop.write_file("include/workflows/shop/transform.py", code)
    told = run(shop, window=days(0, 3)).error

    assert f"transform:orders returned a {kind}, whose rows are read only later" in told
    assert "return the relation itself, or the Arrow table that `.to_arrow_table()` makes of it" in told


@pytest.mark.parametrize(
    "given",
    [
        "orders.select('*, order_id as ORDER_ID')",
        "orders.join(orders.set_alias('again'), 'order_id')",
        "orders.to_arrow_table().to_pandas().assign(ORDER_ID=1)",
        "pa.table([[1], [2]], names=['order_id', 'Order_Id'])",
        "pa.table([[1], [2]], names=['order_id', 'order_id'])",
    ],
)
def test_columns_of_one_name_are_refused_as_of_a_sql_stage(shop, given):
    shop.write_file(
        "include/workflows/shop/transform.py",
        f"import pyarrow as pa\n\n\ndef orders(ctx, orders):\n    return {given}\n",
    )
    told = run(shop, window=days(0, 3)).error

    assert "transform:orders: two columns would be called '" in told
    assert told.endswith("'; give one of them another name")


@pytest.mark.parametrize(
    "given",
    ["orders.select('*, 1 as _dataflow_note')", "orders.to_arrow_table().to_pandas().assign(_dataflow_note=1)"],
)
def test_a_function_may_not_make_columns_that_are_ours(shop, given):
    shop.write_file("include/workflows/shop/transform.py", f"def orders(ctx, orders):\n    return {given}\n")
    told = run(shop, window=days(0, 3)).error

    assert (
        "transform:orders: '_dataflow_note' is reserved: columns that begin with _dataflow are dataflow's own" in told
    )


def test_rows_of_another_connection_are_refused(shop):
    code = "import duckdb\n\n\ndef orders(ctx, orders):\n    return duckdb.connect().sql('select 1 as order_id')\n"
    shop.write_file("include/workflows/shop/transform.py", code)

    assert "belong to another DuckDB connection" in run(shop, window=days(0, 3)).error


def test_a_python_source_sees_its_run(project):
    config = {
        **DAILY,
        "params": {"count": {"type": "integer", "default": 2}},
        "settings": {"unit": "km"},
        "sources": {
            "trips": {
                "type": "python",
                "windowed": True,
                "options": {"offset": 5},
                "columns": {"n": "BIGINT", "at": "VARCHAR"},
            }
        },
    }
    code = """
def trips(ctx, offset):
    for n in range(ctx.params["count"]):
        yield [{"n": n + offset, "at": ctx.window.start.isoformat() + ctx.settings["unit"]}]
"""
    project.write_workflow("travel", config, ingestion=code)
    result = run(project, "travel", window=days(0, 1), params={"count": 3})

    assert ("success", None) == (result.status, result.error)
    assert [(n, "2025-01-01T00:00:00+00:00km") for n in (5, 6, 7)] == published(project, "trips", name="travel")


def test_a_python_source_that_crashes_halfway_lands_nothing(project):
    config = {
        "description": "d",
        "owner": "o",
        "sources": {"trips": {"type": "python", "columns": {"n": "BIGINT"}}},
    }
    code = "def trips(ctx):\n    yield [{'n': 1}]\n    raise RuntimeError('the well is dry')\n"
    project.write_workflow("travel", config, ingestion=code)
    result = run(project, "travel")

    assert "include/workflows/travel/ingestion.py:3: " in result.error
    assert [] == list(project.settings().landing.rglob("manifest.json"))


def test_checks_of_the_author_are_judged_and_kept(shop):
    code = """
from dataflow import CheckResult


def orders(ctx, orders):
    rows = orders.count("*").fetchone()[0]
    yield CheckResult("few", rows < 2, failures=rows, message=f"{rows} rows", on_fail="warn")
    yield CheckResult("some", rows > 0)
"""
    shop.write_file("include/workflows/shop/validation.py", code)
    result = run(shop, window=days(0, 3))
    story = read_run(open_history(shop.settings().ops), result.run_id)

    assert "success" == result.status
    assert [("few", "warned"), ("some", "passed")] == [(c["name"], c["status"]) for c in story.checks[-2:]]

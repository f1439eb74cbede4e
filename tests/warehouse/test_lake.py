"""The warehouse as a DuckLake on PostgreSQL."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from dataflow.ducklake import DuckLake
from dataflow.errors import FatalError, TransientError
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.waits import waits_told_to
from kit.warehouse import House

pytestmark = pytest.mark.postgres


def test_sessions_are_in_utc_and_download_nothing(lake: House):
    query = "SELECT current_setting('TimeZone'), current_setting('autoinstall_known_extensions'), current_database()"

    assert [("UTC", False, "warehouse")] == lake.rows(query)


def test_creating_the_lake_twice_changes_nothing(lake: House):
    for _ in range(2):
        create_warehouse(lake.settings, ["shop"])
        lake.run("CREATE TABLE IF NOT EXISTS staging_shop.orders AS SELECT 1 AS id")

    assert [("_dataflow",), ("main",), ("shop",), ("staging_shop",)] == lake.rows(
        "SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'warehouse' ORDER BY ALL"
    )


def test_two_openings_write_at_once(lake: House):
    lake.run("CREATE TABLE a (id INTEGER)", "CREATE TABLE b (id INTEGER)")
    with open_warehouse(lake.settings, purpose="a") as one, open_warehouse(lake.settings, purpose="b") as other:
        one.begin()
        other.begin()
        one.execute("INSERT INTO a VALUES (1)")
        other.execute("INSERT INTO b VALUES (2)")
        other.commit()
        one.commit()

    assert [(1, 2)] == lake.rows("SELECT a.id, b.id FROM a, b")


def test_whoever_has_the_turn_is_waited_for_and_told(lake: House):
    settings = lake.settings.model_copy(update={"lock_timeout": lake.settings.lock_timeout / 1800 / 5})
    with (
        open_warehouse(settings, purpose="load shop.orders", turn="shop.orders"),
        open_warehouse(settings, purpose="load shop.items", turn="shop.items"),
        pytest.raises(TransientError, match=r"to load shop\.orders: waited .* for the turn of shop\.orders"),
        open_warehouse(settings, purpose="load shop.orders", turn="shop.orders"),
    ):
        pass


def test_a_wait_for_a_turn_is_told_to_who_counts_them(lake: House):
    waits: list[float] = []
    with waits_told_to(waits.append), ThreadPoolExecutor() as pool:
        with open_warehouse(lake.settings, purpose="load", turn="shop.orders"):
            last = pool.submit(copy_context().run, lake.load, "SELECT 1 AS id")
            time.sleep(0.5)
        last.result()

    assert 0.4 < max(waits) < 30


def test_data_that_lies_elsewhere_is_told(lake: House):
    lake.run("CREATE TABLE a (id INTEGER)")
    moved = lake.settings.model_copy(update={"warehouse_data": lake.root / "elsewhere"})

    with pytest.raises(FatalError, match="keeps its data elsewhere than DATAFLOW_WAREHOUSE_DATA says"):
        open_warehouse(moved, purpose="test").__enter__()


def test_a_server_that_does_not_answer_is_worth_a_retry_and_its_password_stays_hidden(lake: House):
    nobody = DuckLake.parse("ducklake:postgresql://me:s3cr3t-word@127.0.0.1:1/none")
    settings = lake.settings.model_copy(update={"warehouse": nobody})

    for turn in ("", "shop"):
        with pytest.raises(TransientError) as told:
            open_warehouse(settings, purpose="test", turn=turn).__enter__()
        assert "s3cr3t-word" not in str(told.value)
    assert "s3cr3t-word" not in repr(settings)
    assert "ducklake:postgresql://me:***@127.0.0.1:1/none" == settings.shown("warehouse")

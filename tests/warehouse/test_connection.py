"""Opening the warehouse."""

from __future__ import annotations

import os
import subprocess
import sys

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.duckdb_memory import Memory
from dataflow.errors import FatalError, TransientError
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from kit.warehouse import House

OPENER = """
import duckdb, sys, time
with duckdb.connect(sys.argv[1]) as connection:
    print("open", flush=True)
    sys.stdin.readline()
"""


def test_sessions_are_in_utc_and_download_nothing(house: House):
    with open_warehouse(house.settings, purpose="test") as outer, open_warehouse(house.settings, purpose="t") as inner:
        query = "SELECT current_setting('TimeZone'), current_setting('autoinstall_known_extensions')"
        found = {*outer.execute(query).fetchall(), *inner.execute(query).fetchall()}

    assert {("UTC", False)} == found


def test_a_database_keeps_to_the_memory_of_the_settings_however_often_it_is_opened(either: House):
    either.settings = either.settings.model_copy(update={"memory": Memory(256_000_000)})
    query = "SELECT current_setting('memory_limit'), current_setting('threads') = 1"

    with (
        open_warehouse(either.settings, purpose="outer") as outer,
        open_warehouse(either.settings, purpose="inner") as inner,
    ):
        found = {*outer.execute(query).fetchall(), *inner.execute(query).fetchall()}

    assert {("244.1 MiB", True)} == found


def test_nested_openings_have_transactions_of_their_own(house: House):
    with open_warehouse(house.settings, purpose="outer") as outer:
        outer.begin()
        outer.execute("CREATE TABLE t AS SELECT 1 AS id")
        with open_warehouse(house.settings, purpose="inner") as inner:
            before = inner.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 't'").fetchall()
        outer.commit()

    assert [(0,)] == before
    assert [(1,)] == house.rows("SELECT id FROM t")


def test_the_file_is_closed_before_the_lock_is_let_go(house: House):
    house.run("CREATE TABLE t AS SELECT 1 AS id")

    again = subprocess.run(
        [sys.executable, "-c", "import duckdb, sys; duckdb.connect(sys.argv[1])", str(house.settings.warehouse)],
        check=False,
        capture_output=True,
    )

    assert 0 == again.returncode


def test_a_program_that_does_not_know_the_lock_is_told_and_worth_a_retry(house: House):
    house.run("CREATE TABLE t AS SELECT 1 AS id")
    command = [sys.executable, "-c", OPENER, str(house.settings.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(TransientError, match=r"does not take warehouse\.duckdb\.lock.*Conflicting lock"):
            house.rows("SELECT 1")
        other.communicate("done\n")

    assert [(1,)] == house.rows("SELECT id FROM t")
    assert "" == house.settings.lock_file.read_text()


def test_a_fork_never_touches_the_handle_of_its_parent(house: House):
    with open_warehouse(house.settings, purpose="parent") as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS id")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                # As if the parent had let go of the lock: the fork gets as far as the handle.
                house.settings.lock_file.unlink()
                house.rows("SELECT 1")
            except FatalError:
                code = 0
            finally:
                os._exit(code)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert 0 == code
    assert [(1,)] == house.rows("SELECT id FROM t")


def test_creating_the_warehouse_twice_changes_nothing(house: House):
    for _ in range(2):
        create_warehouse(house.settings, ["shop", "weather"])
        house.run("CREATE TABLE IF NOT EXISTS staging_shop.orders AS SELECT 1 AS id")

    schemas = house.rows(
        "SELECT DISTINCT schema_name FROM duckdb_schemas() WHERE NOT internal AND schema_name <> 'main' ORDER BY ALL"
    )

    assert [("_dataflow",), ("shop",), ("staging_shop",), ("staging_weather",), ("weather",)] == schemas
    assert house.settings.lock_file.exists()
    assert [(1,)] == house.rows("SELECT id FROM staging_shop.orders")


@settings(deadline=None)
@given(st.text(min_size=1).filter(lambda name: "\0" not in name))
def test_any_name_survives_quoting(name: str):
    from dataflow.identifiers import quote

    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT * FROM (SELECT 1 AS {quote(name)})").description

    assert [name] == [column[0] for column in found or ()]

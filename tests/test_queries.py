"""What SQL of authors may call: a SELECT is not harmless by being one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from dataflow.queries import REACHING, refuse_reach, run_single, single_select

ENDS_THE_PROCESS = """
import sys
from pathlib import Path
from dataflow.duckdb_memory import Memory
from dataflow.queries import run_single
from dataflow.transforms.connection import open_scratch
with open_scratch(Path(sys.argv[1]), memory=Memory(256_000_000), views={}) as connection:
    try:
        run_single(connection, f"SELECT count(*) FROM enable_logging(storage_path = '{sys.argv[1]}/../log')")
    except ValueError as told:
        print(told)
"""


@pytest.mark.parametrize(
    "sql",
    [
        "FROM enable_logging(storage_path = '/tmp/log')",
        "SELECT 1 WHERE EXISTS (FROM system.main.ENABLE_logging ())",
        "SELECT * FROM \"enable_logging\"/* ( */ -- (\n (storage_path = '/tmp/log')",
        "SELECT 'é', (SELECT count(*) FROM checkpoint())",
        "FROM query('FROM enable_logging()')",
        "FROM pandas_scan(1, 2, 3)",
    ],
)
def test_functions_that_do_more_than_read_are_refused_wherever_they_stand(sql: str):
    with duckdb.connect() as connection:
        for run in (single_select, run_single):
            with pytest.raises(ValueError, match="may not be called here: it does more than read rows"):
                run(connection, sql)


@pytest.mark.parametrize("sql", ["CALL enable_logging()", "PRAGMA database_list", " /* so */ pragma version"])
def test_what_only_looks_like_a_select_is_none(sql: str):
    with duckdb.connect() as connection, pytest.raises(ValueError, match=r"exactly one SELECT; found"):
        single_select(connection, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT query, checkpoint FROM (VALUES (1, 2)) AS t(query, checkpoint) WHERE query IN (1, 2)",
        "SELECT 'enable_logging(1)' AS a -- enable_logging(",
        "SELECT count(*) FROM range(3)",
        'SELECT 1 AS "enable_logging""("',
    ],
)
def test_names_and_texts_alike_are_read(sql: str):
    with duckdb.connect() as connection:
        assert run_single(connection, single_select(connection, sql)).fetchall()


def test_duckdb_still_has_each_function_that_is_refused():
    with duckdb.connect() as connection:
        known = {name for (name,) in connection.execute("SELECT function_name FROM duckdb_functions()").fetchall()}

    assert known >= REACHING


def test_a_log_in_a_closed_folder_does_not_end_the_process(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", ENDS_THE_PROCESS, str(tmp_path / "scratch")], check=False, capture_output=True, text=True
    )

    assert (0, "enable_logging(...) may not be called here: it does more than read rows\n") == (
        done.returncode,
        done.stdout,
    ), done.stderr


def test_text_that_duckdb_cannot_read_is_its_own_to_tell():
    refuse_reach("SELECT 'open")

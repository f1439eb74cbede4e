"""The README is followed in an empty clone, from `make run` to Ctrl-C, and every output it shows is compared."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kit.document import blocks_of, links_of
from kit.project import REPOSITORY
from kit.shell import Shell
from kit.walk import Walk, clone, free_port, plain_environment, processes_in

README = REPOSITORY / "README.md"
WITHIN_SECONDS = 30
"""What the README promises between a config that is written and its DAG."""


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    folder = clone(tmp_path / "clone")
    port = free_port()
    here = {str(folder): "/home/ada/dataflow", f"localhost:{port}": "localhost:8080"}
    with Shell(folder, plain_environment(DATAFLOW_AIRFLOW_PORT=str(port))) as shell:
        walk = Walk(folder / README.name, folder, shell, here)
        try:
            yield walk
        finally:
            walk.end()


@pytest.mark.slow
@pytest.mark.airflow
@pytest.mark.timeout(3_000)
def test_the_readme_can_be_followed_in_an_empty_clone(walk: Walk) -> None:
    walk.follow(blocks_of(walk.page))

    database = walk.folder / ".dataflow" / "airflow" / "airflow.db"
    server = walk.servers[0]
    first_seen = _first_seen("bikes", database)
    tasks = _tasks("bikes", database)
    code = server.interrupt()

    assert first_seen - walk.written_at["include/workflows/bikes/config.yaml"] <= WITHIN_SECONDS
    assert {"ingest.counts", "validate.counts", "dbt.riders_by_day.run", "dbt.riders_by_day.test", "publish"} <= tasks
    assert code in (0, -signal.SIGINT)  # make passes the Ctrl-C on once what it started has ended
    assert server.printed.endswith("Ending every process ...\nEnded.\n")
    assert [] == _after_a_moment(walk.folder)


def test_the_readme_shows_what_it_speaks_of() -> None:
    missing = [link for link in links_of(README) if not (REPOSITORY / link).exists()]

    assert [] == missing


def test_the_readme_names_the_two_commands_and_ci_runs_the_one_that_a_test_cannot() -> None:
    consoles = [block for block in blocks_of(README) if block.language == "console"]
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    ci = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")

    assert "make run" == consoles[0].commands[0].text
    assert "`make test`" in README.read_text(encoding="utf-8")
    recipe = re.findall(r"^test: setup .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)[0]
    assert ['"not ($(ALONE))"', '"$(ALONE)"'] == re.findall(r"-m (\".*?\") \$\(ARGS\)", recipe)  # together, all of them
    assert re.search(r"^ +DATAFLOW_TEST_NO_SKIPS=1 make test\b", ci, re.MULTILINE)


def test_the_folders_that_the_readme_names_are_there() -> None:
    tree = next(block.text for block in blocks_of(README) if block.language == "text")
    named = [line.split()[0].replace("<name>/", "") for line in tree.splitlines()]

    missing = [name for name in named if not (REPOSITORY / name).exists() and name != ".dataflow/"]

    assert [] == missing


def _first_seen(dag_id: str, database: Path) -> float:
    """Tell when the first version of the DAG was stored."""
    query = "select min(created_at) from dag_version where dag_id = ?"
    rows = _until_found(database, query, dag_id)
    return datetime.fromisoformat(rows[0][0]).replace(tzinfo=UTC).timestamp()


def _tasks(dag_id: str, database: Path) -> set[str]:
    """Give the task ids of the DAG once dbt's are among them."""
    query = """
        select data from serialized_dag where dag_id = ? and data like '%riders_by_day%'
        order by created_at desc limit 1
    """
    data = _until_found(database, query, dag_id)[0][0]
    return set(re.findall(r'"task_id": ?"([^"]+)"', data))


def _until_found(database: Path, query: str, *values: str) -> list[tuple[str, ...]]:
    end = time.monotonic() + 2 * WITHIN_SECONDS
    while time.monotonic() < end:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30) as connection:
            rows = connection.execute(query, values).fetchall()
        connection.close()
        if rows and rows[0][0] is not None:
            return rows
        time.sleep(1)
    raise AssertionError(f"Airflow never had it: {query} {values}")


def _after_a_moment(folder: Path) -> list[str]:
    """Give what still runs of the clone, once its shell is left out."""
    time.sleep(1)
    return [command for command in processes_in(folder) if not command.startswith("bash --norc")]

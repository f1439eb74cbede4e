"""The dbt-duckdb plugin: dbt takes the same lock as everybody, and gives it back."""

from __future__ import annotations

import inspect
import logging
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from dataflow.errors import FatalError
from dataflow.warehouse.builds import newest
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.dbt.plugin import Plugin
from dataflow.warehouse.dbt.session import release_after_dbt
from dataflow.warehouse.lock import hold_for_process, let_go_for_process
from dataflow.warehouse.snapshot import publish
from kit.warehouse import House

DBT = Path(sys.executable).with_name("dbt")

PROFILE = """
tiny:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: {warehouse}
      schema: {name}
      threads: 2
      plugins: [{{module: dataflow.warehouse.dbt.plugin}}]
"""
PROJECT = """
name: {name}
version: "1.0"
profile: tiny
flags: {{send_anonymous_usage_stats: false}}
"""


def write_dbt_project(house: House, name: str) -> Path:
    """Write a project of one tested model and one that builds on it."""
    folder = house.root / f"dbt_{name}"
    models = folder / "models"
    models.mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(PROJECT.format(name=name))
    (folder / "profiles.yml").write_text(PROFILE.format(name=name, warehouse=house.settings.warehouse))
    (models / "numbers.sql").write_text("{{ config(materialized='table') }} select range as id from range(1000)")
    (models / "totals.sql").write_text("select sum(id)::bigint as total from {{ ref('numbers') }}")
    (models / "schema.yml").write_text(
        "models: [{name: numbers, columns: [{name: id, data_tests: [not_null, unique]}]}]"
    )
    return folder


def arguments(command: str, folder: Path) -> list[str]:
    return [
        *("--quiet", "--log-level-file", "none", command),
        *("--project-dir", str(folder), "--profiles-dir", str(folder), "--target-path", str(folder / "target")),
    ]


def in_process(command: str, folder: Path) -> None:
    from dbt.cli.main import dbtRunner

    outcome = dbtRunner().invoke(arguments(command, folder))
    assert outcome.success, outcome.exception or outcome.result


def is_free(house: House) -> bool:
    """Tell whether another process could open the warehouse, by the lock and by DuckDB."""
    program = """
import fcntl, sys, duckdb
fcntl.flock(open(sys.argv[2], "a"), fcntl.LOCK_EX | fcntl.LOCK_NB)
duckdb.connect(sys.argv[1]).close()
"""
    warehouse, lock_file = str(house.settings.warehouse), str(house.settings.lock_file)
    return subprocess.run([sys.executable, "-c", program, warehouse, lock_file], check=False).returncode == 0


def test_the_plugin_answers_all_that_dbt_duckdb_asks_a_plugin():
    from dbt.adapters.duckdb.plugins import BasePlugin

    asked = {
        name: list(inspect.signature(member).parameters)
        for name, member in vars(BasePlugin).items()
        if inspect.isfunction(member)
    }
    answered = {name: list(inspect.signature(getattr(Plugin, name)).parameters) for name in asked}

    assert asked == answered


def test_the_plugin_is_no_source_and_no_store():
    plugin = Plugin("dbt_plugin", {})

    with pytest.raises(FatalError, match="loads no sources"):
        plugin.load(None)
    with pytest.raises(FatalError, match="stores nothing"):
        plugin.store(None)


def test_releasing_where_dbt_held_nothing_does_nothing():
    release_after_dbt()


def test_what_dbt_holds_is_taken_once_and_given_back_once(house: House):
    for _ in range(2):
        hold_for_process(house.settings.lock_file, timeout=timedelta(0), purpose="dbt", log=logging.getLogger())
    let_go_for_process(house.settings.lock_file)

    assert "" == house.settings.lock_file.read_text()


@pytest.mark.slow
def test_two_builds_and_a_publish_in_one_process_never_wait_for_themselves(house: House):
    shop, weather = (write_dbt_project(house, name) for name in ("shop", "weather"))
    house.settings = house.settings.model_copy(update={"lock_timeout": timedelta(seconds=1)})
    house.run("CREATE SCHEMA IF NOT EXISTS shop")

    in_process("parse", shop)
    parse_left_it_free = is_free(house)
    in_process("build", shop)
    kept_by_dbt = not is_free(house)
    within = house.rows("SELECT total FROM shop.totals")
    release_after_dbt()
    free_after_release = is_free(house)
    try:
        in_process("build", weather)
    finally:
        release_after_dbt()
    with open_warehouse(house.settings, purpose="outer"):
        try:
            in_process("build", shop)
        finally:
            release_after_dbt()
    snapshot = publish(house.settings, "shop", tables=["numbers", "totals"], run_id="r1")

    assert parse_left_it_free
    assert kept_by_dbt
    assert [(499_500,)] == within
    assert free_after_release
    assert {"numbers": 1000, "totals": 1} == snapshot.tables
    assert is_free(house)


@pytest.mark.slow
def test_two_builds_without_a_release_in_between_share_the_hold(house: House):
    shop, weather = (write_dbt_project(house, name) for name in ("shop", "weather"))
    try:
        in_process("build", shop)
        in_process("build", weather)
    finally:
        release_after_dbt()

    assert [(499_500, 499_500)] == house.rows("SELECT s.total, w.total FROM shop.totals s, weather.totals w")
    assert is_free(house)


@pytest.mark.slow
def test_dbt_waits_at_most_as_long_as_it_may_and_says_for_whom(house: House, monkeypatch: pytest.MonkeyPatch):
    shop = write_dbt_project(house, "shop")
    environment = {**os.environ, "DATAFLOW_LOCK_TIMEOUT": "1s"}
    with open_warehouse(house.settings, purpose="load shop.orders"):
        built = subprocess.run(
            [DBT, *arguments("build", shop)], env=environment, check=False, capture_output=True, text=True
        )

    assert 0 != built.returncode
    assert f"held by process {os.getpid()} (load shop.orders)" in built.stdout + built.stderr


@pytest.mark.slow
def test_six_builds_at_once_on_one_file_all_pass(house: House):
    names = [f"team_{number}" for number in range(6)]
    commands = [[DBT, *arguments("build", write_dbt_project(house, name))] for name in names]
    builds = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for command in commands
    ]
    said = [build.communicate(timeout=300)[0] for build in builds]

    assert [0] * 6 == [build.returncode for build in builds], "\n".join(said)
    totals = " UNION ALL ".join(f"SELECT total FROM {name}.totals" for name in names)
    assert [(499_500,)] * 6 == house.rows(totals)


@pytest.mark.slow
def test_of_builds_at_once_the_run_stamped_last_is_the_one_whose_build_stands(house: House):
    """The stamp and the build share one hold: else a run could publish what another built."""
    shop = write_dbt_project(house, "shop")
    (shop / "models" / "numbers.sql").write_text("select '{{ env_var(\"DATAFLOW_RUN_ID\") }}' as id")
    (shop / "models" / "totals.sql").unlink()
    builds = []
    for run_id in ("r1", "r2", "r3"):
        environment = {**os.environ, "DATAFLOW_WORKFLOW": "shop", "DATAFLOW_RUN_ID": run_id}
        command = [DBT, *arguments("run", shop), "--target-path", str(shop / run_id)]
        builds.append(subprocess.Popen(command, env=environment))

    assert [0, 0, 0] == [build.wait(timeout=300) for build in builds]
    with open_warehouse(house.settings, purpose="test") as connection:
        stamped = newest(connection, "shop")
    assert stamped is not None
    assert [(stamped[0],)] == house.rows("FROM shop.numbers")

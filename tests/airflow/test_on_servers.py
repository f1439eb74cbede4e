"""The shop example under a real scheduler, all of its data on servers: landing, lake and snapshots in S3."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.ops.history import open_history
from dataflow.ops.reading import list_runs
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.snapshot import current_snapshot
from kit.airflow_home import AirflowHome
from kit.databases import postgres_database
from kit.project import REPOSITORY, Project
from kit.store import Bucket, bucket

pytestmark = [pytest.mark.airflow, pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(1200)]

SHOP = REPOSITORY / "include" / "workflows" / "shop"
DAY = timedelta(days=1)
FIRST, LAST = datetime(2018, 9, 30, tzinfo=UTC), datetime(2018, 11, 4, tzinfo=UTC)
"""The days of the two runs; an incremental source reads what lies between, and three days more."""


@pytest.fixture
def store() -> Iterator[Bucket]:
    with bucket() as made:
        yield made


@pytest.fixture
def airflow(tmp_path: Path, store: Bucket) -> Iterator[AirflowHome]:
    project = Project(tmp_path / "project", dbt=True)
    shutil.copytree(SHOP, project.folder("shop"), ignore=shutil.ignore_patterns("tests", "__pycache__"))
    shutil.copytree(REPOSITORY / "dbt" / "models" / "shop", project.root / "dbt" / "models" / "shop")
    config = project.folder("shop") / "config.yaml"
    today = f"start_date: {datetime.now(UTC):%Y-%m-%d}"  # so that only the runs that we start are due
    text = config.read_text().replace("start_date: 2018-09-01", today)
    config.write_text(text.replace("publish:\n", f"publish:\n  to: {store.place('marts/shop')}\n"))
    with ExitStack() as open_:
        database = open_.enter_context(postgres_database())
        plain = database.set(drivername="postgresql").render_as_string(hide_password=False)
        project.write_file(
            ".env",
            f"DATAFLOW_WAREHOUSE=ducklake:{plain}\n"
            f"DATAFLOW_WAREHOUSE_DATA={store.place('lake')}\n"
            f"DATAFLOW_LANDING={store.place('landing')}\n"
            f"DATAFLOW_PUBLISHED={store.place('published')}\n"
            "DATAFLOW_MAINTENANCE=off\n"
            f"DATAFLOW_OPS={database.render_as_string(hide_password=False)}\n",
        )
        home = open_.enter_context(AirflowHome(project, tmp_path / "home"))
        home.command("airflow", "db", "migrate")
        home.command("dataflow", "init")
        home.start("api-server", "scheduler", "dag-processor", "triggerer")  # dbt's tasks defer
        yield home


def test_the_shop_runs_twice_on_a_lake_and_publishes_the_revenue_of_every_day(
    airflow: AirflowHome, store: Bucket, tmp_path: Path
) -> None:
    airflow.wait_for_dag("shop")
    for day in (FIRST, LAST):
        run = airflow.run(
            "shop",
            logical_date=datetime.now(UTC).isoformat(),
            data_interval_start=day.isoformat(),
            data_interval_end=(day + DAY).isoformat(),
        )
        run_id = run["dag_run_id"]
        assert "success" == run["state"], airflow.failures("shop", run_id)
        states = airflow.tasks("shop", run_id)
        assert {"success"} == set(states.values()), states
        assert {"ingest.orders", "transform.orders", "dbt.daily_revenue.run", "dbt.daily_revenue.test"} <= states.keys()
        assert (
            revenue_by_the_files(until=f"{day + DAY:%Y-%m-%d}")
            == revenue(published(airflow, tmp_path / run_id))
            == revenue(copied(store, tmp_path))
        )

    settings = airflow.project.settings()
    with open_warehouse(settings, purpose="test") as connection:
        doubled = "SELECT order_id FROM staging_shop.orders GROUP BY ALL HAVING count(*) > 1"
        assert [] == connection.execute(doubled).fetchall()
    airflow.until(
        lambda: {"COMPLETED"} == {run.status for run in list_runs(open_history(settings.ops), workflow="shop")},
        "run history has the end of each run",
    )
    folders = {name.partition("/")[0] for name in store.names()}
    assert {"landing", "lake", "marts", "published"} == folders
    assert [] == [*(airflow.project.root / ".dataflow").glob("**/*.parquet")]


def revenue_by_the_files(*, until: str) -> dict[str, tuple[int, int, int]]:
    """Give what the example's own script, which knows nothing of dataflow, makes of its files."""
    spec = importlib.util.spec_from_file_location("expected_totals", SHOP / "tests" / "expected_totals.py")
    assert spec is not None
    assert spec.loader is not None
    totals: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(totals)
    found: dict[str, tuple[int, int, int]] = totals.daily_revenue(until)
    return found


def published(airflow: AirflowHome, into: Path) -> Path:
    snapshot = current_snapshot(airflow.project.settings(), "shop")
    assert snapshot is not None
    return snapshot.fetch("daily_revenue", into=into)


def copied(store: Bucket, tmp_path: Path) -> Path:
    table = json.loads(store.read("marts/shop/current.json"))["tables"]["daily_revenue"]
    copy = tmp_path / "copy.parquet"
    copy.write_bytes(store.read(f"marts/shop/{table['path']}"))
    return copy


def revenue(file: Path) -> dict[str, tuple[int, int, int]]:
    rows = duckdb.sql(f"SELECT day::VARCHAR, orders, revenue, tax FROM '{file}'").fetchall()
    return {day: (orders, taken, tax) for day, orders, taken, tax in rows}

"""The example that describes the product: it validates, and with its sources pointed at fakes it runs green."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
import sqlalchemy as sa
import yaml

from dataflow.interval import Interval
from dataflow.linting.lint import lint
from dataflow.ops.history import open_history
from dataflow.runtime.local import StepEvent, run_workflow
from dataflow.testing.fake_api import FakeApi
from dataflow.warehouse.create import create_warehouse
from dataflow.warehouse.snapshot import current_snapshot
from kit.databases import postgres_database
from kit.project import Project
from kit.receivers import web_receiver
from kit.store import Bucket, bucket

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kit.receivers import Receiver

HERE = Path(__file__).parent
NOT_YET: tuple[tuple[str | int, ...], ...] = (
    ("sources", "orders", "schema_contract"),
    ("validate", "orders", 3, "on_fail"),
)
"""What of the example the language does not say yet; empty when it says all of it."""
DAY = Interval(datetime(2025, 1, 5, tzinfo=UTC), datetime(2025, 1, 6, tzinfo=UTC))
ORDERS = 200
REFUSED = 1
"""Of them with a negative amount: half a percent, where one percent may be."""


def write_example(folder: Path) -> Project:
    project = Project(folder, dbt=True)
    for name in ("shop", "shop_report"):
        shutil.copytree(HERE / name, project.folder(name), ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(HERE / "models", project.root / "dbt" / "models" / "shop")
    project.write_file("include/workflows/shop/data/products/first.csv", "product_id,name\n1,tea\n2,rice\n")
    if NOT_YET:
        config = project.folder("shop") / "config.yaml"
        said = yaml.safe_load(config.read_text(encoding="utf-8"))
        for *way, last in sorted(NOT_YET, key=str, reverse=True):
            inner = said
            for step in way:
                inner = inner[step]
            del inner[last]
        config.write_text(yaml.safe_dump(said, sort_keys=False), encoding="utf-8")
    return project


def orders(first: int, last: int, day: datetime) -> list[dict[str, Any]]:
    return [
        {
            "order_id": number,
            "customer_id": number % 5,
            "status": "placed",
            "amount": "-1.00" if number < REFUSED else "11.90",
            "tax": "-2.00" if number < REFUSED else "1.90",
            "contact": {"email": f"customer{number % 5}@example.com"},
            "updated_at": (day + timedelta(minutes=number)).isoformat(),
        }
        for number in range(first, last)
    ]


class Fakes:
    """What the example reads and writes, on this machine."""

    def __init__(self, day: datetime, *, open_: ExitStack) -> None:
        self.api: FakeApi = open_.enter_context(FakeApi())
        self.hook: Receiver = open_.enter_context(web_receiver())
        self.store: Bucket = open_.enter_context(bucket())
        for name in ("inbox", "marts"):
            if name not in {each["Name"] for each in self.store.client.list_buckets()["Buckets"]}:
                self.store.client.create_bucket(Bucket=name)
        self.store.client.put_object(Bucket="inbox", Key=f"orders/{day:%Y-%m-%d}/_SUCCESS", Body=b"")
        self.api.answer("/v1/orders", {"data": {"items": orders(0, 150, day)}, "meta": {"next": "second"}})
        self.api.answer("/v1/orders", {"data": {"items": orders(150, ORDERS, day)}, "meta": {"next": None}})
        self.database = open_.enter_context(postgres_database())
        engine = sa.create_engine(self.database)
        with engine.begin() as connection:
            connection.exec_driver_sql("create table customers (customer_id bigint, name text, updated_at timestamptz)")
            for number in range(5):
                values = f"{number}, 'c{number}', '{day:%Y-%m-%d} 00:00:0{number}+00'"
                connection.exec_driver_sql(f"insert into customers values ({values})")
        engine.dispose()

    def environment(self) -> Mapping[str, str]:
        hook = {"conn_type": "http", "host": f"http://127.0.0.1:{self.hook.port}/hooks"}
        database = {
            "conn_type": "postgres",
            "host": self.database.host,
            "port": self.database.port,
            "login": self.database.username,
            "schema": self.database.database,
        }
        return {
            "SHOP_API": self.api.url,
            "ORDERS_TOKEN": "a-token-of-the-orders",
            "AIRFLOW_CONN_SHOP_DB": json.dumps(database),
            "AIRFLOW_CONN_AWS": os.environ[f"AIRFLOW_CONN_{self.store.connection.upper()}"],
            "AIRFLOW_CONN_TEAM_ALERTS": json.dumps(hook),
        }


@pytest.fixture
def fakes() -> Iterator[Fakes]:
    with ExitStack() as open_:
        yield Fakes(DAY.start, open_=open_)


def test_the_example_is_sound(tmp_path: Path) -> None:
    project = write_example(tmp_path / "project")

    registry = project.registry()
    told = lint(registry, project.settings(), variables={"ORDERS_TOKEN": "x"})

    assert () == registry.problems
    uncompiled = [each for each in told if "compile" not in each.hint + each.message]
    assert [] == uncompiled
    assert {"shop", "shop_report"} == registry.workflows.keys()


@pytest.mark.slow
@pytest.mark.postgres
def test_the_example_runs_green_here(tmp_path: Path, fakes: Fakes, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fakes.environment().items():
        monkeypatch.setenv(name, value)
    project = write_example(tmp_path / "project")
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["shop"])
    events: list[StepEvent] = []

    result = run_workflow(
        project.workflow("shop"), settings=settings, window=DAY, progress=events.append, ask=lambda _: True
    )

    assert ("success", None) == (result.status, result.error), events
    skipped = {event.task_id for event in events if event.state == "skipped"}
    assert {"then.rebuild", "monthly.monthly"} <= skipped
    assert skipped <= {"then.rebuild", "monthly.monthly", "trigger.shop_report", "wait_for.0"}
    assert {"Bearer a-token-of-the-orders"} == {asked.headers["authorization"] for asked in fakes.api.asked}
    first = fakes.api.asked[0].query
    assert "500" == first["limit"]
    assert {"updated_since", "updated_before"} <= first.keys()
    snapshot = current_snapshot(settings, "shop")
    assert snapshot is not None
    with duckdb.connect() as connection:
        daily_sales = connection.read_parquet(str(snapshot.parquet("daily_sales")))
        sold = daily_sales.aggregate("sum(orders), sum(net)").fetchone()
    assert (ORDERS - REFUSED, (ORDERS - REFUSED) * 10) == sold

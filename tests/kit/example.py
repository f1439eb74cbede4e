"""The example that describes the product, as a project, and what it reads and writes on this machine."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import sqlalchemy as sa

from dataflow.ops.history import open_history
from dataflow.quarantine.records import list_quarantined
from dataflow.testing.fake_api import FakeApi
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.snapshot import current_snapshot
from kit.databases import postgres_database
from kit.project import Project
from kit.receivers import web_receiver
from kit.store import Bucket, bucket

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack

    from kit.receivers import Receiver

__all__ = ["SOUND", "TOKEN", "Fakes", "Outcome", "outcome_of", "write_example"]

EXAMPLE = Path(__file__).parents[1] / "design"
ORDERS = 200
REFUSED = 1
"""Of them with a negative amount: half a percent, where one percent may be. A check refuses them."""
MISFITS = 1
"""Of them with an amount that is no number. The source's contract refuses them."""
SOLD = ORDERS - REFUSED - MISFITS
NEW_COLUMN = "channel"
"""What the API gives beyond the declared columns, in every order."""
TOKEN = "a-token-of-the-orders"


def write_example(folder: Path) -> Project:
    project = Project(folder, dbt=True)
    for name in ("shop", "shop_report"):
        shutil.copytree(EXAMPLE / name, project.folder(name), ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(EXAMPLE / "models", project.root / "dbt" / "models" / "shop")
    project.write_file("include/workflows/shop/data/products/first.csv", "product_id,name\n1,tea\n2,rice\n")
    return project


def orders(first: int, last: int, day: datetime) -> list[dict[str, Any]]:
    return [
        {
            "order_id": number,
            "customer_id": number % 5,
            "status": "placed",
            "amount": "-1.00" if number < REFUSED else "a lot" if number >= ORDERS - MISFITS else "11.90",
            "tax": "-2.00" if number < REFUSED else "1.90",
            "contact": {"email": f"customer{number % 5}@example.com"},
            "updated_at": (day + timedelta(minutes=number)).isoformat(),
            NEW_COLUMN: "web",
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
        self.put("inbox", f"orders/{day:%Y-%m-%d}/_SUCCESS", b"")
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
            "password": self.database.password,
            "schema": self.database.database,
        }
        return {
            "SHOP_API": self.api.url,
            "ORDERS_TOKEN": TOKEN,
            "AIRFLOW_CONN_SHOP_DB": json.dumps(database),
            "AIRFLOW_CONN_AWS": os.environ[f"AIRFLOW_CONN_{self.store.connection.upper()}"],
            "AIRFLOW_CONN_TEAM_ALERTS": json.dumps(hook),
        }

    def put(self, bucket_name: str, key: str, content: bytes) -> None:
        self.store.client.put_object(Bucket=bucket_name, Key=key, Body=content)

    def read(self, bucket_name: str, key: str) -> bytes:
        content: bytes = self.store.client.get_object(Bucket=bucket_name, Key=key)["Body"].read()
        return content


@dataclass(frozen=True)
class Outcome:
    """What a run of the example left behind."""

    quarantined: Mapping[str, int]
    """How many orders lie there, by the stage that refused them."""
    loaded: tuple[int, int]
    """Orders in the warehouse, and those of them with a value in the new column."""
    sold: tuple[int, Decimal]
    """Orders and net in the snapshot of the daily sales."""
    copied: tuple[int, Decimal]
    """The same in the further copy."""


SOUND = Outcome(
    quarantined={"ingest": MISFITS, "validate": REFUSED},
    loaded=(SOLD, SOLD),
    sold=(SOLD, Decimal(SOLD * 10)),
    copied=(SOLD, Decimal(SOLD * 10)),
)


def outcome_of(project: Project, fakes: Fakes) -> Outcome:
    """Read what is there now."""
    settings = project.settings()
    snapshot = current_snapshot(settings, "shop")
    assert snapshot is not None
    table = json.loads(fakes.read("marts", "shop/current.json"))["tables"]["daily_sales"]
    copy = project.root / "copy.parquet"
    copy.write_bytes(fakes.read("marts", f"shop/{table['path']}"))
    with open_warehouse(settings, purpose="test") as warehouse:
        loaded = warehouse.sql(f"select count(*), count({NEW_COLUMN}) from staging_shop.orders").fetchone()
    return Outcome(
        quarantined={each.key.stage: each.rows for each in list_quarantined(open_history(settings.ops))},
        loaded=loaded,
        sold=_sales(snapshot.parquet("daily_sales")),
        copied=_sales(copy),
    )


def _sales(file: Path) -> tuple[int, Decimal]:
    with duckdb.connect() as connection:
        row = connection.read_parquet(str(file)).aggregate("sum(orders)::bigint, sum(net)").fetchone()
    assert row is not None
    return row[0], row[1]

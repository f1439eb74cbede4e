"""What a step holds in memory does not grow with its rows: ten times as many take 1.3 times as much at most.

Each task runs in a process of its own, as under Airflow, with the least memory that the product takes. Most of what a
process takes at first are Python and its libraries, 100 MB. So a tenth of the rows is chosen so that DuckDB, too, is
near its bound with them already, or at what the step ever holds: with fewer, the ratio would be of how much of the
bound is in use; with none, of nothing.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import duckdb
import pytest

from dataflow.duckdb_memory import Memory, parse_memory
from dataflow.ops.history import open_history
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.create import create_warehouse
from kit import one_task
from kit.project import DAILY, Project

pytestmark = [pytest.mark.slow, pytest.mark.alone]

MOST = 1.3
COLUMNS = {
    "order_id": "BIGINT",
    "code": "VARCHAR",
    "customer_id": "BIGINT",
    "status": "VARCHAR",
    "country": "VARCHAR",
    "amount": "DECIMAL(12,2)",
    "note": "VARCHAR",
    "updated_at": "TIMESTAMPTZ",
}
ORDERS = """
    SELECT i AS order_id, 'order ' || i || ' of the shop' AS code, i % 10_000 AS customer_id,
        ['placed', 'shipped', 'returned'][1 + i % 3] AS status, ['DE', 'FR', 'IT', 'ES'][1 + i % 4] AS country,
        CAST(CASE WHEN i % 1000 = 0 THEN -1 ELSE i % 500_000 / 100 END AS DECIMAL(12, 2)) AS amount,
        md5(CAST(i AS VARCHAR)) || md5(CAST(i + 1 AS VARCHAR)) AS note,
        TIMESTAMPTZ '2025-01-01 00:00:00+00' + to_seconds(i % 86_400) AS updated_at
    FROM range({rows}) AS made(i)
"""
SIX_CHECKS = [
    {"not_null": ["order_id", "customer_id"]},
    {"unique": "code"},
    {"accepted_values": {"column": "status", "values": ["placed", "shipped", "returned"]}},
    {"range": {"column": "amount", "min": 0, "max": 5000}, "on_fail": "quarantine", "max_failures": "1%"},
    {"regex": {"column": "country", "pattern": "[A-Z]{2}"}},
    {"relationships": {"column": "customer_id", "to": "customers.customer_id"}},
]
STAGES = [
    {"deduplicate": {"key": "order_id", "order_by": "updated_at desc"}},
    {"derive": {"net": "amount / 1.19"}},
    {"filter": "amount >= 0"},
    {"python": "orders"},
]
MORE_NET = "def orders(ctx, orders):\n    return orders.project('*, net * 2 AS more_net')\n"
DICTS = """
def notes(ctx, rows):
    for start in range(0, rows, 1000):
        yield [{"note_id": i, "text": f"left at the door {i}", "weight": i / 100} for i in range(start, start + 1000)]
"""
PAGE = 1000
NOTES = {"note_id": "BIGINT", "text": "VARCHAR", "weight": "DECIMAL(12,2)"}


class House:
    """One workflow of so many rows, whose tasks run one after the other."""

    def __init__(self, folder: Path, config: dict[str, Any], *, memory: int = Memory.LEAST, **modules: str) -> None:
        self.project = Project(folder)
        self.project.write_workflow("shop", {**DAILY, **config}, **modules)
        self.project.write_file(".env", f"DATAFLOW_MEMORY={Memory(memory)}\nDATAFLOW_ALLOWED_HOSTS=127.0.0.1\n")
        settings = self.project.settings()
        open_history(settings.ops).create()
        create_warehouse(settings, ["shop"])

    def peak_of(self, task: str) -> float:
        """Run a task and give the megabytes that its process took."""
        outputs = self.project.root / "outputs.json"
        command = [sys.executable, one_task.__file__, str(self.project.root), "shop", task, str(outputs)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr[-3000:]
        return float(json.loads(done.stdout.splitlines()[-1])["peak_mb"])


def assert_flat(folder: Path, house: Callable[[Path, int], House], *tasks: str, rows: int) -> None:
    """See that each task takes about as much with ten times the rows; of a task named twice, the second counts."""
    few, many = (
        {task: built.peak_of(task) for task in tasks}
        for built in (house(folder / "few", rows), house(folder / "many", 10 * rows))
    )
    told = {task: f"{few[task]:.0f} MB, then {many[task]:.0f} MB" for task in tasks if many[task] > MOST * few[task]}
    assert told == {}


def orders_of(folder: Path, rows: int) -> House:
    config = {
        "sources": {
            "orders": {"type": "file", "format": "csv", "path": "data/orders.csv", "columns": COLUMNS},
            "customers": {
                "type": "file",
                "format": "csv",
                "path": "data/customers.csv",
                "columns": {"customer_id": "BIGINT"},
            },
        },
        "validate": {"orders": SIX_CHECKS},
        "transform": {"orders": STAGES},
        "load": {"orders": {"mode": "merge", "key": "order_id", "newest_by": "updated_at"}},
    }
    house = House(folder, config, transform=MORE_NET)
    data = house.project.folder("shop") / "data"
    data.mkdir()
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"COPY ({ORDERS.format(rows=rows)}) TO '{data}/orders.csv' (FORMAT csv, HEADER)")
        connection.execute(f"COPY (SELECT i AS customer_id FROM range(10_000) AS r(i)) TO '{data}/customers.csv'")
    return house


def test_a_csv_is_read_and_judged_by_six_checks_in_flat_memory(tmp_path: Path) -> None:
    # With 250,000 keys one of the parts in which `unique` compares them is half full; with 2.5 million all are full.
    assert_flat(tmp_path, orders_of, "ingest.customers", "ingest.orders", "validate.orders", rows=250_000)


def test_rows_are_transformed_and_merged_in_flat_memory(tmp_path: Path) -> None:
    # 150,000 rows fill the bound in `deduplicate`. What is merged again meets each of its rows in the table.
    before = ("ingest.customers", "ingest.orders", "validate.orders")
    assert_flat(tmp_path, orders_of, *before, "transform.orders", "transform.orders", rows=150_000)


@pytest.mark.parametrize("memory", [Memory.LEAST, parse_memory("1GB")])
def test_loaded_rows_are_published_in_flat_memory(tmp_path: Path, memory: int) -> None:
    # 300,000 rows are three groups of them: what is read, what is written, and one to come.
    def house(folder: Path, rows: int) -> House:
        orders = {"type": "mock", "rows": 1, "columns": COLUMNS}
        house = House(folder, {"sources": {"orders": orders}}, memory=memory)
        with open_warehouse(house.project.settings(), purpose="load") as connection:
            connection.execute(f"CREATE TABLE staging_shop.orders AS {ORDERS.format(rows=rows)}")
        return house

    assert_flat(tmp_path, house, "publish", rows=300_000)


def test_a_sqlite_database_is_read_in_flat_memory(tmp_path: Path) -> None:
    # 100,000 rows are more than one group of rows, which is what waits in memory until it is written.
    def house(folder: Path, rows: int) -> House:
        source = {"type": "database", "url": f"sqlite:///{folder}/notes.db", "table": "notes"}
        house = House(folder, {"sources": {"notes": source}})
        with closing(sqlite3.connect(folder / "notes.db")) as database:
            database.execute("create table notes (note_id integer, text text, weight real)")
            made = ((i, f"left at the door {i}", i / 100) for i in range(rows))
            database.executemany("insert into notes values (?, ?, ?)", made)
            database.commit()
        return house

    assert_flat(tmp_path, house, "ingest.notes", rows=100_000)


def test_rows_of_python_are_read_in_flat_memory(tmp_path: Path) -> None:
    # 100,000 rows are what is spooled at once.
    def house(folder: Path, rows: int) -> House:
        source = {"type": "python", "options": {"rows": rows}, "columns": NOTES}
        return House(folder, {"sources": {"notes": source}}, ingestion=DICTS)

    assert_flat(tmp_path, house, "ingest.notes", rows=100_000)


def test_the_pages_of_an_api_are_read_in_flat_memory(tmp_path: Path) -> None:
    # The records of 300 pages are more than DuckDB's reader takes at once.
    with served_notes() as address:

        def house(folder: Path, rows: int) -> House:
            url = f"{address}/notes?pages={rows // PAGE}"
            source = {"type": "api", "url": url, "pagination": {"type": "page"}, "columns": NOTES}
            return House(folder, {"sources": {"notes": source}})

        assert_flat(tmp_path, house, "ingest.notes", rows=300 * PAGE)


class Notes(BaseHTTPRequestHandler):
    """Gives as many pages as it is asked for."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        query = {key: int(values[0]) for key, values in parse_qs(urlsplit(self.path).query).items()}
        first = query["page"] * PAGE
        ids = range(first, first + PAGE) if query["page"] <= query["pages"] else ()
        made = (f'{{"note_id": {i}, "text": "left at the door {i}", "weight": {i % 900}.25}}' for i in ids)
        body = f"[{', '.join(made)}]".encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name in http.server
        """Say nothing."""


@contextmanager
def served_notes() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Notes)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()

"""What it costs to merge a batch into a large table of the warehouse, beside DuckDB's bare MERGE.

    python benchmarks/merge.py [--loaded 10000000] [--batch 100000] [--rounds 3]

Half of the batch updates orders from all over the table, half is new. Ours is a whole load as a task does it: the lock,
the transaction, the batch's columns reconciled with the table's, keys looked at for NULL and for repetition, rows
counted. Beside it one bare ``MERGE INTO ... USING read_parquet(...)`` with the same rule, newer rows win, and, by
hand in one transaction, a bare ``DELETE ... USING`` and ``INSERT ... WHERE NOT EXISTS``. Each side runs in a process of
its own on a copy of its own of one DuckDB file, from opening it to closing it, with the checkpoint then; CPU seconds
without imports, the least of all rounds; peak memory beside them. The aim is at most 1.3 times the CPU of the cheaper.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

import duckdb
from beside import Cost, cost_of

LIMIT = 1.3
ORDERS = """
    SELECT i AS order_id, i % 100_000 AS customer_id, ['placed', 'shipped', 'returned'][1 + i % 3] AS status,
        CAST(i % 500_000 / 100 AS DECIMAL(12, 2)) AS amount, md5(i::VARCHAR) AS note,
        TIMESTAMPTZ '{day} 00:00:00+00' + to_seconds(i % 86_400) AS updated_at
    FROM ({ids}) AS r(i)
"""
OWN = """
    '{run}' AS _dataflow_run, TIMESTAMPTZ '{day} 00:00:00+00' AS _dataflow_window_start,
    TIMESTAMPTZ '{day} 00:00:00+00' + INTERVAL 1 DAY AS _dataflow_window_end
"""
BARE = """
connection = duckdb.connect({{warehouse!r}})
connection.execute("SET TimeZone = 'UTC'")
connection.execute('''{statements}''')
connection.close()
"""
MERGE = """
MERGE INTO staging_shop.orders AS loaded
USING (SELECT *, {own} FROM read_parquet('{batch}')) AS batch ON loaded.order_id = batch.order_id
WHEN MATCHED AND batch.updated_at >= loaded.updated_at THEN UPDATE
WHEN NOT MATCHED THEN INSERT
"""
DELETE_AND_INSERT = """
BEGIN;
CREATE TEMP VIEW batch AS SELECT *, {own} FROM read_parquet('{batch}');
DELETE FROM staging_shop.orders AS loaded USING batch
WHERE loaded.order_id = batch.order_id AND batch.updated_at >= loaded.updated_at;
INSERT INTO staging_shop.orders
SELECT * FROM batch
WHERE NOT EXISTS (SELECT 1 FROM staging_shop.orders AS loaded WHERE loaded.order_id = batch.order_id);
COMMIT;
"""
OURS = """
from datetime import UTC, datetime, timedelta
from pathlib import Path
from dataflow.interval import Interval
from dataflow.settings import Settings
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.load import LoadRequest, load
root = Path({root!r})
day = datetime(2025, 1, 2, tzinfo=UTC)
with open_warehouse(Settings(project=root, warehouse=Path({warehouse!r})), purpose="benchmark") as connection:
    load(connection, LoadRequest(
        workflow="shop", table="orders", mode="merge", run_id="second", window=Interval(day, day + timedelta(days=1)),
        parquet=[{batch!r}], key=("order_id",), newest_by="updated_at", windowed=True,
    ))
"""
SIDES = {
    "MERGE": BARE.format(statements=MERGE),
    "DELETE, INSERT": BARE.format(statements=DELETE_AND_INSERT),
    "dataflow": OURS,
}
IMPORTS = "import duckdb, dataflow.settings, dataflow.warehouse.connection, dataflow.warehouse.load"
OUTCOME = "SELECT count(*), sum(order_id), count(*) FILTER (WHERE _dataflow_run = 'second') FROM staging_shop.orders"


def make(folder: Path, *, loaded: int, batch: int) -> None:
    """Write the warehouse with the table, and the file of the batch."""
    first = ORDERS.format(day="2025-01-01", ids=f"SELECT * FROM range({loaded})")
    updated = f"SELECT i * {2 * loaded // batch} FROM range({batch // 2}) AS u(i)"
    second = ORDERS.format(day="2025-01-02", ids=f"{updated} UNION ALL FROM range({loaded}, {loaded + batch // 2})")
    with duckdb.connect(folder / "made.duckdb") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA staging_shop")
        own = OWN.format(run="first", day="2025-01-01")
        connection.execute(f"CREATE TABLE staging_shop.orders AS SELECT *, {own} FROM ({first})")
        connection.execute(f"COPY ({second}) TO '{folder}/batch.parquet' (FORMAT parquet)")


def measured(side: str, folder: Path) -> tuple[Cost, tuple[int, ...]]:
    """Merge once into a copy of the warehouse; give the cost, and what the table is afterwards."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        warehouse = Path(place) / "warehouse.duckdb"
        shutil.copyfile(folder / "made.duckdb", warehouse)
        work = SIDES[side].format(
            root=place,
            warehouse=str(warehouse),
            batch=str(folder / "batch.parquet"),
            own=OWN.format(run="second", day="2025-01-02"),
        )
        cost = cost_of(work, imports=IMPORTS)
        with duckdb.connect(warehouse, read_only=True) as connection:
            outcome = connection.execute(OUTCOME).fetchone()
    assert outcome is not None
    return cost, outcome


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--loaded", type=int, default=10_000_000)
    parser.add_argument("--batch", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    costs: dict[str, list[Cost]] = {side: [] for side in SIDES}
    outcomes: set[tuple[int, ...]] = set()
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder), loaded=given.loaded, batch=given.batch)
        for _ in range(given.rounds):
            for side, found in costs.items():
                cost, outcome = measured(side, Path(folder))
                found.append(cost)
                outcomes.add(outcome)
    if len(outcomes) > 1:
        raise SystemExit(f"the sides left different tables: {outcomes}")
    print(f"{given.batch:,} rows merged into {given.loaded:,}")
    least = {side: min(found, key=lambda cost: cost.cpu) for side, found in costs.items()}
    for side, cost in least.items():
        print(f"  {side:14} {cost.cpu:6.2f} CPU s  {cost.peak_mb:6.0f} MB at most")
    ours = least.pop("dataflow")
    print(f"  ratio          {ours.cpu / min(cost.cpu for cost in least.values()):6.2f}, the aim is {LIMIT}")


if __name__ == "__main__":
    main()

"""What six checks cost beside the same six questions written by hand, and how much memory they take as rows grow.

    python benchmarks/checks.py [--rows 10000000] [--rounds 3] [--memory 1GB]

The rows lie in one Parquet file, as a batch does. Both sides open it in a process of their own, as a task does, and ask
for the counts of failing rows; ours also fetches the samples of what failed. CPU seconds of the whole process less
those of a process that only opens the file; the least of all rounds counts. The aim is 1.3 times the SQL by hand.
Peak memory is that of our process with all rows and with a tenth of them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

LIMIT = 1.3

CHECKS = [
    {"not_null": ["order_id", "customer_id"]},
    {"unique": "order_id"},
    {"accepted_values": {"column": "status", "values": ["placed", "shipped", "returned"]}},
    {"range": {"column": "amount", "min": 0, "max": 5000}},
    {"regex": {"column": "country", "pattern": "[A-Z]{2}"}},
    {"relationships": {"column": "customer_id", "to": "customers.customer_id"}},
]
BY_HAND = [
    "SELECT count(*), count(*) FILTER (WHERE order_id IS NULL OR customer_id IS NULL) FROM orders",
    """SELECT coalesce(sum(n), 0) FROM (
    SELECT count(*) AS n FROM orders WHERE order_id IS NOT NULL GROUP BY order_id HAVING n > 1)""",
    "SELECT count(*) FROM orders WHERE status NOT IN ('placed', 'shipped', 'returned')",
    "SELECT count(*) FROM orders WHERE amount < 0 OR amount > 5000",
    "SELECT count(*) FROM orders WHERE NOT regexp_full_match(country, '[A-Z]{2}')",
    """SELECT count(*) FROM orders WHERE customer_id IS NOT NULL AND customer_id NOT IN (
    SELECT customer_id FROM customers WHERE customer_id IS NOT NULL)""",
]
ROWS = """
    SELECT i AS order_id, i % 100_000 AS customer_id, ['placed', 'shipped', 'returned'][1 + i % 3] AS status,
        CAST(i % 500_000 / 100 AS DECIMAL(12, 2)) AS amount, ['DE', 'FR', 'IT', 'ES'][1 + i % 4] AS country,
        TIMESTAMPTZ '2025-01-01 00:00:00+00' + to_seconds(i % 86_400) AS updated_at
    FROM range({rows}) AS r(i)
"""
MEASURED = """
import json, resource, sys, tempfile
from datetime import UTC, datetime
from pathlib import Path

side, memory, orders, customers, given = sys.argv[1:]
from dataflow.duckdb_memory import parse_memory
from dataflow.interval import Interval
from dataflow.quality.judge import judge
from dataflow.spec.checks import Check
from dataflow.transforms.connection import open_scratch

window = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
checks = [Check.model_validate(each) for each in json.loads(given)] if side == "ours" else []
with tempfile.TemporaryDirectory() as folder:
    views = {"orders": [orders], "customers": [customers]}
    with open_scratch(Path(folder), memory=parse_memory(memory), views=views) as connection:
        connection.execute("SELECT count(*) FROM orders").fetchall()
        failures = 0
        if side == "ours":
            outcomes = judge(connection, "orders", checks, window=window, tables={"customers": "customers"})
            assert all(outcome.status != "error" for outcome in outcomes), outcomes
            failures = sum(outcome.failures for outcome in outcomes)
        elif side == "by hand":
            failures = sum(connection.execute(query).fetchone()[-1] for query in json.loads(given))
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"cpu": used.ru_utime + used.ru_stime, "mb": used.ru_maxrss / 1024, "failures": failures}))
"""


def measured(side: str, memory: str, files: list[str], given: object) -> dict[str, float]:
    # A file, not `-c`: without one DuckDB takes Python for interactive, and draws how far a query is.
    script = Path(files[0]).with_name("measured.py")
    script.write_text(MEASURED, encoding="utf-8")
    command = [sys.executable, str(script), side, memory, *files, json.dumps(given)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def files_of(folder: Path, rows: int) -> list[str]:
    import duckdb

    orders, customers = folder / f"orders_{rows}.parquet", folder / "customers.parquet"
    duckdb.sql(ROWS.format(rows=rows)).write_parquet(str(orders))
    duckdb.sql("SELECT i AS customer_id FROM range(100_000) AS r(i)").write_parquet(str(customers))
    return [str(orders), str(customers)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="1GB", help="as DATAFLOW_MEMORY")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as given:
        all_rows, tenth = files_of(Path(given), arguments.rows), files_of(Path(given), arguments.rows // 10)
        cpu: dict[str, float] = {}
        mb: dict[str, float] = {}
        for _ in range(arguments.rounds):
            for side, files, what in (
                ("nothing", all_rows, []),
                ("by hand", all_rows, BY_HAND),
                ("ours", all_rows, CHECKS),
                ("ours", tenth, CHECKS),
            ):
                found = measured(side, arguments.memory, files, what)
                name = side if files is all_rows else f"{side}, a tenth"
                cpu[name] = min(cpu.get(name, 1e9), found["cpu"])
                mb[name] = max(mb.get(name, 0.0), found["mb"])
    ours, by_hand = cpu["ours"] - cpu["nothing"], cpu["by hand"] - cpu["nothing"]
    print(f"six checks on {arguments.rows:,} rows, {arguments.rounds} rounds\n")
    print("| | CPU seconds | peak MB |\n| --- | --- | --- |")
    print(f"| SQL written by hand | {by_hand:.2f} | {mb['by hand']:.0f} |")
    print(f"| ours | {ours:.2f} | {mb['ours']:.0f} |")
    print(f"| ratio (the aim is {LIMIT}) | {ours / by_hand:.2f} | |")
    print(f"| ours, a tenth of the rows | | {mb['ours, a tenth']:.0f} |")
    return 0 if ours <= LIMIT * by_hand else 1


if __name__ == "__main__":
    sys.exit(main())

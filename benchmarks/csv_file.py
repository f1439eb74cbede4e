"""What it costs to land a CSV file, beside DuckDB's bare COPY.

    python benchmarks/csv_file.py [--rows 1000000] [--rounds 3]

Ours is a whole ingest: it reads the header, casts strictly, adds our columns, writes Parquet, its checksums and the
manifest. The bare one is ``COPY (FROM read_csv(..., columns = {...})) TO 'file.parquet'`` with the same columns. Each
side runs in a process of its own; CPU seconds of that process, the least of all rounds; peak memory beside them. The
aim is at most 1.5 times the CPU.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import duckdb
from beside import BARE_SETUP, Side, compare

COLUMNS = {
    "order_id": "BIGINT",
    "customer_id": "BIGINT",
    "status": "VARCHAR",
    "amount": "DECIMAL(12,2)",
    "note": "VARCHAR",
    "updated_at": "TIMESTAMPTZ",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "orders.csv"
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(
                "copy (select i as order_id, i % 1000 as customer_id, 'status ' || i % 5 as status, "
                "(i % 10000 / 100)::DECIMAL(12,2) as amount, md5(i::VARCHAR) as note, "
                "timestamptz '2025-01-01 00:00:00+00' + to_seconds(i) as updated_at "
                f"from range(1, {given.rows} + 1) as made(i)) to '{file}' (format csv, header)"
            )
        bare = (
            f"{BARE_SETUP}connection.execute(\"copy (from read_csv('{file}', auto_detect = false, header = true, "
            f"columns = {COLUMNS})) to '{folder}/bare.parquet' (format parquet)\")\n"
        )
        source = {"type": "file", "format": "csv", "path": str(file), "columns": COLUMNS}
        compare(f"{given.rows:,} rows of CSV", bare, Side(source, Path(folder)), rounds=given.rounds)


if __name__ == "__main__":
    main()

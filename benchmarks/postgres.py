"""What it costs to land a table of PostgreSQL, beside DuckDB's bare scanner.

    python benchmarks/postgres.py [--rows 1000000] [--rounds 3] [--url postgresql://root@127.0.0.1:5432/test]

Ours is a whole ingest: it asks the server what the columns are, reads them so that no type loses a digit, adds our
columns, writes Parquet, its checksums and the manifest. The bare scanner is ``COPY (FROM pg.table) TO 'file.parquet'``.
Each side runs in a process of its own; CPU seconds of that process, the least of all rounds; peak memory beside them.
The aim is at most 1.5 times the CPU.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import sqlalchemy as sa
from beside import BARE_SETUP, Side, compare

TABLE = "dataflow_benchmark"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--url", default="postgresql://root@127.0.0.1:5432/test")
    given = parser.parse_args()
    engine = sa.create_engine(sa.make_url(given.url).set(drivername="postgresql+psycopg2"))
    with engine.begin() as connection:
        connection.exec_driver_sql(f"drop table if exists {TABLE}")
        connection.exec_driver_sql(
            f"create table {TABLE} as select i::bigint as order_id, mod(i, 1000)::bigint as customer_id, "
            "'status ' || mod(i, 5) as status, (mod(i, 10000) / 100.0)::numeric(12,2) as amount, md5(i::text) as note, "
            f"timestamptz '2025-01-01 00:00+00' + i * interval '1 second' as updated_at "
            f"from generate_series(1, {given.rows}) i"
        )
        connection.exec_driver_sql(f"analyze {TABLE}")
    try:
        with tempfile.TemporaryDirectory() as folder:
            bare = (
                f"{BARE_SETUP}load_extension(connection, 'postgres_scanner')\n"
                f"connection.execute(\"attach '{given.url}' as pg (type postgres, read_only)\")\n"
                f"connection.execute(\"copy (from pg.{TABLE}) to '{folder}/bare.parquet' (format parquet)\")\n"
            )
            source = {"type": "database", "url": given.url, "table": TABLE}
            compare(f"{given.rows:,} rows of PostgreSQL", bare, Side(source, Path(folder)), rounds=given.rounds)
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"drop table {TABLE}")


if __name__ == "__main__":
    main()

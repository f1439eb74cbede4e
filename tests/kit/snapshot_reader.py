"""A program that reads published snapshots again and again, with nothing of dataflow, and tells what it came upon.

``python snapshot_reader.py PUBLISHED`` reads until its input is closed and then all of it once more, so that it saw
what was published last. Then it prints JSON: how often it read each workflow, which versions it saw, and every error.
A snapshot is whole when each table has the rows that ``current.json`` says, in Parquet and in the DuckDB file, and all
of its tables come of one batch: one ``loaded_until``.
"""

from __future__ import annotations

import json
import select
import sys
from pathlib import Path
from typing import Any

import duckdb

PAUSE_SECONDS = 0.5


def read(current: Path) -> str:
    """Read every table of the snapshot, and give its version."""
    content = json.loads(current.read_text(encoding="utf-8"))
    folder = current.parent / content["version"]
    batches = set()
    with duckdb.connect(folder / f"{current.parent.name}.duckdb", read_only=True, config={"threads": 1}) as connection:
        for table, described in content["tables"].items():
            parquet = f"read_parquet('{folder / table}.parquet')"
            for relation in (f'"{table}"', parquet):
                select_all = f"select count(*), count(columns(*)), min(loaded_until)::varchar from {relation}"
                rows = connection.execute(select_all).fetchall()[0]
                assert rows[0] == described["rows"], f"{table} has {rows[0]} of {described['rows']} rows"
                until = connection.execute(f"select max(loaded_until)::varchar from {relation}").fetchall()[0][0]
                batches.add(until)
    assert len(batches) == 1, f"its tables are of different batches: {batches}"
    return str(content["version"])


def main(published: Path) -> None:
    """Read until there is no more input, and once after that."""
    reads: dict[str, int] = {}
    versions: dict[str, list[str]] = {}
    errors: list[str] = []
    ended = False
    while not ended:
        ended = bool(select.select([sys.stdin], [], [], PAUSE_SECONDS)[0])
        for current in sorted(published.glob("*/current.json")):
            name = current.parent.name
            try:
                version = read(current)
            except Exception as exc:  # noqa: BLE001 - whatever it is, a reader must not see it
                errors.append(f"{name}: {type(exc).__name__}: {exc}")
                continue
            reads[name] = reads.get(name, 0) + 1
            if version not in versions.setdefault(name, []):
                versions[name].append(version)
    told: dict[str, Any] = {"reads": reads, "versions": versions, "errors": errors}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(Path(sys.argv[1]))

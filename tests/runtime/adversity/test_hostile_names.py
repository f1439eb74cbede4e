"""Whatever columns are called: every row arrives, from landing to publication, and a name is never run as SQL."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dataflow.runtime.local.run import run_workflow
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.snapshot import snapshot_of_table
from kit.project import Project

pytestmark = pytest.mark.slow

ROWS = 5
NASTY = [
    "select",
    "group",
    "order by 1",
    "a b",
    " ",
    "a.b",
    "é",
    "名前",
    "😀",
    "a\u0301",
    "İ",
    "ß",
    "'",
    '"',
    '""',
    "a'b\"c`d",
    "--",
    "/*",
    "*",
    "%s",
    "{{ window.start }}",
    "${HOME}",
    "rowid",
    "filename",
    "x=1/y=2",
    "\\",
    "\t",
    "$1",
    "?",
    "n" * 300,
    '"; CREATE TABLE memory.main.taken (i INTEGER); --',
    "'); CREATE SCHEMA taken; --",
    '" FROM range(1)); DROP SCHEMA staging_shop CASCADE; --',
    "batch",
    "loaded",
]
names = st.sampled_from(NASTY) | st.text(
    st.characters(exclude_categories=("Cs", "Cc", "Cn")), min_size=1, max_size=40
).filter(lambda name: not name.lower().startswith("_dataflow"))
headers = st.lists(names, min_size=1, max_size=6, unique_by=str.lower).filter(lambda names: "{" not in names[0])
"""The first is the key, which a config names: what looks like a template or a reference is refused there."""


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@example(NASTY[:12])
@example(NASTY[12:24])
@example(NASTY[24:])
@given(headers)
def test_columns_of_any_name_arrive_and_nothing_else_happens(columns: list[str]):
    rows = [{name: f"{number} {name}" for name in columns} for number in range(ROWS)]
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder) / "house")
        project.write_workflow(
            "shop",
            json.dumps(
                {
                    "description": "Columns of any name.",
                    "owner": "tests",
                    "schedule": "manual",
                    "start_date": "2025-01-01",
                    "sources": {"orders": {"type": "python"}},
                    "load": {"orders": {"mode": "merge", "key": columns[0]}},
                },
                ensure_ascii=False,
            ),
            ingestion=f"import json\n\ndef orders(ctx):\n    yield json.loads({json.dumps(rows)!r})\n",
        )
        for _ in range(2):
            result = run_workflow(project.workflow("shop"), settings=project.settings())
            assert ("success", None) == (result.status, result.error)

        with duckdb.connect() as connection:
            published = connection.read_parquet(
                str(snapshot_of_table(project.settings(), "shop", "orders").parquet("orders"))
            )
            assert columns == published.columns
            assert sorted(tuple(row.values()) for row in rows) == sorted(published.fetchall())
        with open_warehouse(project.settings(), purpose="look around") as connection:
            found = connection.execute(
                "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal ORDER BY ALL"
            ).fetchall()
            schemas = {row[0] for row in connection.execute("SELECT schema_name FROM duckdb_schemas()").fetchall()}
        assert [("staging_shop", "orders")] == [each for each in found if each[0] != "_dataflow"]
        assert "taken" not in schemas

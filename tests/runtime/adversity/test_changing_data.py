"""What a workflow does when its data changes from run to run: land, load, record, model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.modelling.compile import compile_models
from dataflow.ops.history import open_history
from dataflow.ops.reading import anomalies_of, read_run
from dataflow.quarantine.records import list_quarantined
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.result import RunResult
from dataflow.warehouse.snapshot import current_snapshot
from kit.project import DAILY, Project
from kit.runs import days

COLUMNS = {"id": "BIGINT", "amount": "DECIMAL(12,2)"}


class Shop:
    """A workflow whose file is another one each time."""

    def __init__(self, project: Project, **source: Any) -> None:
        self.project = project
        given = {"type": "file", "path": "orders.csv", "format": "csv", "columns": COLUMNS, **source}
        project.write_workflow("shop", {**DAILY, "sources": {"orders": given}, "load": {"orders": {"key": "id"}}})

    def run(self, text: str) -> RunResult:
        self.project.write_file("include/workflows/shop/orders.csv", text)
        return run_workflow(self.project.workflow("shop"), settings=self.project.settings(), window=days(0, 1))

    def changes(self, run: RunResult) -> list[dict[str, Any]]:
        found = anomalies_of(open_history(self.project.settings().ops), "shop", run_id=run.run_id)
        assert {("warning", "SCHEMA_CHANGE")} >= {(row["severity"], row["category"]) for row in found}
        return [row["metadata"] for row in found]

    def published(self, table: str = "orders") -> list[dict[str, Any]]:
        snapshot = current_snapshot(self.project.settings(), "shop")
        assert snapshot is not None
        with duckdb.connect(str(snapshot.database), read_only=True) as connection:
            found = connection.execute(f"select * from {table} order by id")
            names = [each[0] for each in found.description or ()]
            return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def change(column: str, before: str | None, after: str | None) -> dict[str, Any]:
    return {"table": "orders", "column": column, "before": before, "after": after}


@pytest.mark.slow
def test_a_column_that_appears_and_goes_is_loaded_modelled_and_recorded(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", dbt=True)
    shop = Shop(project, schema_contract="evolve")
    project.write_model("shop", "all_orders", "select * from {{ source('staging', 'orders') }}")
    compile_models(project.settings(), [project.workflow("shop")])

    runs = [
        shop.run("id,amount\n1,1\n"),
        shop.run("id,amount,note\n2,2,new\n"),
        shop.run("id,amount,note\n3,zero,same\n"),
        shop.run("id,note\n4,last\n"),
        shop.run("id,note\n5,again\n"),
    ]

    assert ["success"] * 5 == [run.status for run in runs]
    assert [] == shop.changes(runs[0])
    assert [change("note", None, "VARCHAR")] == shop.changes(runs[1])
    assert [change("amount__text", None, "VARCHAR")] == shop.changes(runs[2])
    assert [change("amount", "DECIMAL(12,2)", None)] == shop.changes(runs[3])
    assert [] == shop.changes(runs[4])
    rows = shop.published("all_orders")
    assert [None, "new", "same", "last", "again"] == [row["note"] for row in rows]
    assert [1, 2, None, None, None] == [row["amount"] for row in rows]
    assert [None, None, "zero", None, None] == [row["amount__text"] for row in rows]


def test_what_the_config_changed_is_recorded_and_told_as_such(project: Project) -> None:
    Shop(project, columns={"id": "BIGINT"}).run("id,amount\n1,1\n")

    run = Shop(project).run("id,amount\n1,1\n")

    (told,) = anomalies_of(open_history(project.settings().ops), "shop", run_id=run.run_id)
    assert 'orders: column "amount" appeared, as DECIMAL(12,2); the config says so' == told["message"]


def test_a_run_that_failed_is_none_to_compare_with(project: Project) -> None:
    shop = Shop(project, schema_contract={"columns": "evolve"})
    shop.run("id,amount\n1,1\n")

    assert "failed" == shop.run("id,amount,note\n1,x,y\n").status
    assert [change("note", None, "VARCHAR")] == shop.changes(shop.run("id,amount,note\n1,2,y\n"))


@pytest.mark.parametrize("data_type", ["discard_row", "quarantine"])
def test_rows_that_do_not_fit_are_left_out_and_counted(project: Project, data_type: str) -> None:
    shop = Shop(project, schema_contract={"data_type": data_type})

    run = shop.run("id,amount\n1,1\n2,zero\n3,3\n")

    assert "success" == run.status
    history = open_history(project.settings().ops)
    ingested = next(stage for stage in read_run(history, run.run_id).stages if stage.stage == "INGESTED")
    assert (3, 2) == (ingested.rows_in, ingested.rows_out)
    assert [1, 3] == [row["id"] for row in shop.published()]
    aside = list_quarantined(history)
    assert ([1] if data_type == "quarantine" else []) == [each.rows for each in aside]
    if aside:
        assert "ingest" == aside[0].key.stage
        assert (
            "orders.csv: row 2: column \"amount\": 'zero' is not a DECIMAL(12,2)"
            == (aside[0].reasons["schema_contract.data_type"]["reason"])
        )

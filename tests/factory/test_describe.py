from __future__ import annotations

from pathlib import Path
from typing import Any

from dataflow.factory.describe import describe
from kit.project import MOCK_CONFIG, Project

SHOP: dict[str, Any] = {
    "description": "Orders of the shop.",
    "owner": "sales",
    "domain": "shop.orders",
    "schedule": "@daily",
    "start_date": "2025-01-01",
    "params": {"batch": {"type": "integer", "default": 5, "description": "rows at once"}},
    "sources": {
        "orders": {
            "type": "file",
            "path": "${SHOP_FILES:-https://ada:swordfish@example.com}/*.csv",
            "format": "csv",
            "columns": {"order_id": "BIGINT", "at": "TIMESTAMPTZ"},
            "incremental": {"cursor": "at"},
        },
        "customers": {"type": "mock", "columns": {"id": "BIGINT"}, "description": "one row a customer"},
    },
    "validate": {"orders": [{"not_null": "order_id"}, {"row_count": {"min": 1}, "name": "some"}]},
    "load": {"orders": {"key": "order_id", "newest_by": "at"}},
}
VALIDATION = "def customers(ctx, customers):\n    return []\n"


def test_a_reader_learns_what_is_read_checked_and_made(project: Project) -> None:
    project.write_workflow("shop", SHOP, validation=VALIDATION)
    workflow = project.workflow("shop")

    expected = f"""\
Orders of the shop.

- **Reads**
    - *orders*: file *\\$\\{{SHOP\\_FILES:-https://\\*\\*\\*@example.com\\}}/\\*.csv*, what is new by *at*
    - *customers*: mock, one row a customer
- **Checks**
    - *orders*: *not\\_null\\_order\\_id*, *some*
    - *customers*: in *validation.py*
- **Makes**
    - *orders*: merge by *order\\_id*
    - *customers*: append
- **Publishes** *warehouse/shop/orders*, *warehouse/shop/customers*
- **Takes** *batch*: integer = *5*, rows at once
- **Domain** *shop.orders*
- **Config** *include/workflows/shop/config.yaml* ({workflow.config_hash})"""
    assert expected == describe(workflow)


def test_a_reader_learns_what_a_run_waits_for_and_who_hears_of_it(project: Project) -> None:
    around = {
        "wait_for": [
            {"file": "data/{{ window.start | date }}/_SUCCESS"},
            {"http": "https://ada:swordfish@example.com/"},
        ],
        "deadline": {"within": "90m", "of": "logical_date"},
        "notify": [{"events": ["failure", "late"], "connection": "team_hook"}],
    }
    project.write_workflow("shop", SHOP | around, validation=VALIDATION)

    lines = describe(project.workflow("shop")).splitlines()

    assert r"    - file *data/\{\{ window.start \| date \}\}/\_SUCCESS*" in lines
    assert r"    - http *https://\*\*\*@example.com/*" in lines
    assert "- **Late** 1h30m after its window began" in lines
    assert r"- **Tells** *team\_hook*: failure, late" in lines


def test_it_names_no_place_of_this_machine(project: Project) -> None:
    project.write_workflow("shop", SHOP, validation=VALIDATION)

    assert str(Path(project.root)) not in describe(project.workflow("shop"))


def test_a_workflow_that_files_start_says_which(project: Project) -> None:
    project.write_workflow("shop", {**SHOP, "schedule": {"file": "inbox/*.csv"}}, validation=VALIDATION)

    assert "- **Starts** at each new file *inbox/\\*.csv*\n" in describe(project.workflow("shop"))


def test_a_reader_learns_what_a_param_takes_in_the_words_of_the_config(project: Project) -> None:
    params = {
        "again": {"type": "boolean", "default": False},
        "size": {"type": "string", "enum": ["s", "m"], "default": "s", "title": "Size", "description": "Of a parcel"},
        "day": {"type": "string", "format": "date"},
    }
    project.write_workflow("shop", {**MOCK_CONFIG, "params": params})

    told = describe(project.workflow("shop"))
    assert "    - *again*: boolean = *false*\n    - *size*: one of *s*, *m* = *s*, Size, Of a parcel\n" in told
    assert "    - *day*: date\n" in told

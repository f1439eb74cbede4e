"""Another type for a loaded column: every value stays what it is, or nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

from dataflow.errors import InputError
from dataflow.maintenance.retype import Retyped, retype
from kit.houses import either, house, lake
from kit.project import MOCK_CONFIG, Project
from kit.warehouse import House, day

__all__ = ["either", "house", "lake"]

CAST = "SELECT typeof(v), CAST(v AS VARCHAR), _dataflow_run FROM staging_shop.orders ORDER BY id"


def cast(house: House, to: str, *, column: str = "v", table: str = "orders", **given: Any) -> Retyped:
    project = Project(house.root)
    sensitive = given.pop("sensitive", False)
    columns = {"id": "BIGINT", "v": {"type": "VARCHAR", "sensitive": sensitive}}
    project.write_workflow("shop", {**MOCK_CONFIG, "sources": {"orders": {"type": "mock", "columns": columns}}})
    workflow = project.workflow("shop")
    return retype(house.settings, workflow, table, column=column, to=to, **{"dry_run": False, **given})


@pytest.mark.parametrize(
    ("values", "to", "cast_to"),
    [
        (["true", "false"], "BOOLEAN", ["true", "false"]),
        (["12", "-7"], "BIGINT", ["12", "-7"]),
        (["1.50", "2.25"], "DECIMAL(12,2)", ["1.50", "2.25"]),
        (["2025-01-01", "2025-02-03"], "date", ["2025-01-01", "2025-02-03"]),
    ],
)
def test_every_value_is_cast_and_nothing_else_changes(either: House, values: list[str], to: str, cast_to: list[str]):
    rows = ", ".join(f"({number}, '{value}')" for number, value in enumerate([*values]))
    either.load(f"SELECT * FROM (VALUES {rows}, (9, NULL)) t(id, v)", mode="append", windowed=True)

    done = cast(either, to)

    assert ("VARCHAR", to.upper(), 3) == (done.before, done.after, done.rows)
    found = either.rows(CAST)
    assert [*cast_to, None] == [value for _, value, _ in found]
    assert {(to.upper(), "r1")} == {(kind, run) for kind, _, run in found}


def test_loads_go_on_with_the_new_type(either: House):
    given: dict[str, Any] = {"mode": "merge", "key": ("id",), "newest_by": "id", "windowed": True}
    either.load("SELECT 1 AS id, '5' AS v", **given)
    cast(either, "BIGINT")

    either.load("SELECT 2 AS id, 6 AS v", window=day(1), **given)

    assert [(1, 5), (2, 6)] == either.rows()


@pytest.mark.parametrize(("value", "to"), [("1.5", "BIGINT"), ("maybe", "BOOLEAN"), ("2025-01-01 12:00", "DATE")])
def test_a_value_that_would_change_is_told_and_the_table_stays(either: House, value: str, to: str):
    either.load(f"SELECT 1 AS id, '{value}' AS v")

    with pytest.raises(InputError, match=f"orders.v: 1 of 1 rows have a value that is no {to}, '{value}' for one"):
        cast(either, to)

    assert [("VARCHAR", value, "r1")] == either.rows(CAST)


def test_a_value_that_nobody_may_see_is_not_shown(house: House):
    house.load("SELECT 1 AS id, 'a secret' AS v")

    with pytest.raises(InputError, match=r"a value that is no BIGINT, \*\*\* for one"):
        cast(house, "BIGINT", sensitive=True)


def test_a_dry_run_changes_nothing(either: House):
    either.load("SELECT 1 AS id, '5' AS v")

    assert Retyped("orders", "v", "VARCHAR", "BIGINT", 1) == cast(either, "BIGINT", dry_run=True)

    assert [("VARCHAR", "5", "r1")] == either.rows(CAST)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"table": "order"}, "shop has no loaded table 'order'; did you mean 'orders'?"),
        ({"column": "w"}, r"orders: no column 'w' \(there are: id, v\)"),
        ({"column": "_dataflow_run"}, "orders: no column '_dataflow_run'"),
        ({"to": "BIGNT"}, "DuckDB has no type 'BIGNT'"),
        ({"to": "BIGINT); DROP TABLE x; --"}, "DuckDB has no type"),
    ],
)
def test_what_is_not_there_is_told(house: House, given: dict[str, str], told: str):
    house.load("SELECT 1 AS id, '5' AS v")

    with pytest.raises(InputError, match=told):
        cast(house, **{"to": "BIGINT", **given})

"""The gates and the shared pipeline as plain functions."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb
import pytest

from dataflow import StepContext

FOLDER = Path(__file__).parents[1]
SETTINGS = {"least_records": 20, "most_null": 0.02}
HEAD = (
    "tierDescription|issueSymbolIdentifier|issueName|marketParticipantName|MPID|totalWeeklyTradeCount"
    "|totalWeeklyShareQuantity|weekStartDate|lastUpdateDate"
)


def module(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"otc_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded
    spec.loader.exec_module(loaded)
    return loaded


steps = module(FOLDER / "steps.py")
pipeline = module(FOLDER.parents[1] / "pipelines" / "otc_volumes.py")


def context(step: str, returned: dict[str, Any]) -> StepContext:
    return StepContext("otc_transparency", settings=SETTINGS, outputs={step: returned}.get)


@pytest.mark.parametrize(("rows", "passes"), [(0, False), (19, False), (20, True), (56, True)])
def test_a_file_that_was_cut_off_is_refused(rows: int, *, passes: bool) -> None:
    result = steps.enough_records(context("ingest.trades", {"rows": rows}))

    assert passes == result.succeeded
    if not passes:
        assert (f"{rows} records, and 20 are the least", "QUALITY_GATE") == (result.message, result.category)


@pytest.mark.parametrize(("rate", "passes"), [(0.0, True), (0.02, True), (0.021, False), (1.0, False)])
def test_a_week_with_too_many_gaps_is_refused(rate: float, *, passes: bool) -> None:
    result = steps.few_nulls(context("normalize", {"rows": 50, "null_rate": rate}))

    assert passes == result.succeeded
    assert passes or result.category == "QUALITY_GATE"


def test_a_friday_belongs_to_the_week_of_its_monday() -> None:
    result = steps.this_week(StepContext("otc_transparency", params={"week_ending": "2025-01-10"}))

    assert {"weeks": ["2025-01-06"]} == result.output


def test_the_shared_pipeline_makes_rows_uniform(tmp_path: Path) -> None:
    file = tmp_path / "weekly.txt"
    file.write_text(f"{HEAD}\nNMS Tier 2| zza |Ash| |  |3|40|2025-01-06|2025-01-27\n")

    rows = pipeline.uniform(duckdb.read_csv(str(file), delimiter="|")).select("tier, symbol, firm, firm_id").fetchall()

    assert [("t2", "ZZA", None, "none")] == rows

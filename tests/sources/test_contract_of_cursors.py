"""Contracts of an incremental source: only rows of the range matter, and each needs its cursor."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.contracts import RANGE, Aside, moving, refused
from kit.ingest import ingest_source


def test_a_row_outside_of_the_range_is_nobodys_concern(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,at\n1,2025-01-01 10:00:00\nx,2025-01-05 10:00:00\ny,2025-01-01 11:00:00\n")

    manifest = ingest_source(tmp_path, moving("discard_row"), cursor=RANGE)

    assert (1, 1, 1) == (manifest.rows, manifest.cut_rows, manifest.discarded_rows)


@pytest.mark.parametrize("value", ["", "soon"])
def test_a_row_without_a_cursor_is_left_out_under_discard_row(tmp_path: Path, value: str):
    (tmp_path / "a.csv").write_text(f"id,at\n1,2025-01-01 10:00:00\n2,{value}\n")

    manifest = ingest_source(tmp_path, moving("discard_row"), cursor=RANGE)

    assert (1, 1) == (manifest.rows, manifest.discarded_rows)


@pytest.mark.parametrize("mode", ["discard_value", "evolve"])
def test_a_cursor_that_does_not_fit_fails_the_run_where_rows_have_to_stay(tmp_path: Path, mode: str):
    (tmp_path / "a.csv").write_text("id,at\n1,2025-01-01 10:00:00\n2,soon\n")

    assert "column \"at\": 'soon' is not a TIMESTAMP WITH TIME ZONE" in refused(tmp_path, moving(mode), cursor=RANGE)


def test_a_row_without_a_cursor_is_set_aside_under_quarantine(tmp_path: Path):
    (tmp_path / "a.csv").write_text("id,at\n1,2025-01-01 10:00:00\n2,\n3,2026-01-01\n")
    aside = Aside()

    manifest = ingest_source(tmp_path, moving("quarantine"), cursor=RANGE, set_aside=aside)

    assert (1, 1, 1) == (manifest.rows, manifest.cut_rows, manifest.quarantined_rows)
    assert ["incremental.cursor"] == aside.rows[0]["_dataflow_rules"]
    assert 'a.csv: row 2: column "at": the cursor is NULL' in aside.rows[0]["_dataflow_reasons"][0]

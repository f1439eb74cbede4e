"""Numbers of a CSV that have separators of their own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from kit.csv_source import COLUMNS, csv, refused
from kit.ingest import ingest_source, landed


def test_numbers_may_have_separators_of_their_own(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id;name;price\n1.000;x;1.234,5\n")
    columns = {**COLUMNS, "price": "DECIMAL(12,2)"}

    manifest = ingest_source(tmp_path, csv(columns=columns, delim=";", thousands=".", decimal_separator=","))

    assert [(1_000, "x", Decimal("1234.50"))] == landed(manifest)


@pytest.mark.parametrize("value", ["1,5", "1.5", "x"])
def test_a_number_with_separators_of_its_own_is_not_rounded(tmp_path: Path, value: str):
    (tmp_path / "orders.csv").write_text(f"id;name\n1,0;x\n{value};y\n")
    source = csv(delim=";", decimal_separator=",") | {"schema_contract": {"data_type": "discard_row"}}

    assert [(1, "x")] == landed(ingest_source(tmp_path, source))


@pytest.mark.parametrize("value", ["1,5", "1,2345", "1234,567", ",123", "1,,234", "1.234,567"])
def test_thousands_are_groups_of_three_digits(tmp_path: Path, value: str):
    columns = {"price": "DECIMAL(12,3)"}
    (tmp_path / "orders.csv").write_text(f"price\n-1,234,567.5\n1234\n1,000e1\n{value}\n")
    source = csv(columns=columns, delim=";", thousands=",") | {"schema_contract": {"data_type": "discard_row"}}

    assert [(Decimal("-1234567.5"),), (1234,), (10_000,)] == landed(ingest_source(tmp_path, source))


@pytest.mark.parametrize(("value", "kind"), [("1.5x", "DECIMAL(12,2)"), ("1.5", "BIGINT"), ("1.23", "DOUBLE")])
def test_a_number_that_does_not_fit_is_told_as_the_file_has_it(tmp_path: Path, value: str, kind: str):
    source = csv(columns={"price": kind}, delim=";", thousands=".", decimal_separator=",")

    assert f"column \"price\": '{value}' is not a {kind}" in refused(tmp_path, f"price\n1.234\n{value}\n", source)


def test_a_separator_of_thousands_is_none_of_a_list(tmp_path: Path):
    (tmp_path / "orders.csv").write_text("id;prices\n1,000;[1.5,2]\n")
    source = csv(columns={"id": "BIGINT", "prices": "DECIMAL(12,2)[]"}, delim=";", thousands=",")

    assert [(1000, [Decimal("1.5"), 2])] == landed(ingest_source(tmp_path, source))

"""Any numbers and texts of JSON, however the file is cut into pieces, come through as they are written."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataflow.sources.files import changed_numbers, exact_numbers
from kit.ingest import ingest_source, landed
from kit.json_source import WIDE, json_source

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ['"', "\\", '": 1.50,', "[1.50]"]
)


NUMBERS = st.builds(
    lambda whole, fraction, power: f"{whole}.{fraction}{power}",
    st.integers(-(10**20), 10**20),
    st.text("0123456789", min_size=1, max_size=12),
    st.sampled_from(["", "e5", "E-3", "e+2"]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(TEXTS, NUMBERS, st.booleans()), min_size=1, max_size=8), st.sampled_from([7, 64, 1000]))
def test_numbers_and_texts_come_through_however_the_file_is_cut_into_pieces(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, bool]], piece: int
) -> None:
    root = tmp_path_factory.mktemp("exact")
    records = [
        f'{{"text": {json.dumps(text, ensure_ascii=is_ascii)}, "number": {number}, "in": [{number}], "wide": 1}}'
        for text, number, is_ascii in rows
    ]
    (root / "a.json").write_text(f"[{', '.join(records)}]", encoding="utf-8")
    columns = {"text": "VARCHAR", "number": "VARCHAR", "in": "VARCHAR[]", "wide": WIDE}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact_numbers, "PIECE", piece)
        patch.setattr(changed_numbers, "PIECE", piece)
        found = landed(ingest_source(root, json_source(columns)))

    assert [(text, number, [number], 1) for text, number, _ in rows] == found


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(NUMBERS, min_size=1, max_size=4), st.sampled_from([7, 64, 1000]))
def test_a_number_is_landed_as_it_is_written_or_is_a_misfit(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[str], piece: int
) -> None:
    root = tmp_path_factory.mktemp("values")
    records = [f'{{"x": {number}, "about": [{number}], "near": {number}}}' for number in numbers]
    (root / "a.json").write_text("\n".join(records))
    columns = {"x": "DECIMAL(12,2)", "about": "JSON", "near": "DOUBLE"}
    source = json_source(columns) | {"schema_contract": {"data_type": "discard_value"}}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(changed_numbers, "PIECE", piece)
        found = landed(ingest_source(root, source))

    assert [(f"[{number}]", float(number)) for number in numbers] == [(about, near) for _, about, near in found]
    fits = [Decimal(number) == round(Decimal(number), 2) and abs(Decimal(number)) < 10**10 for number in numbers]
    assert [Decimal(number) if is_fit else None for number, is_fit in zip(numbers, fits, strict=True)] == [
        value for value, _, _ in found
    ]

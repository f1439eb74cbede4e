"""Numbers within JSON, lists, maps and structs keep every digit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import ContractError
from kit.api_source import read
from kit.ingest import ingest_source, landed
from kit.json_source import json_source
from kit.unruly_api import UnrulyApi, says

NESTED = {
    "about": "JSON",
    "tags": "VARCHAR[]",
    "by_name": "MAP(VARCHAR, VARCHAR)",
    "box": "STRUCT(a VARCHAR, b BIGINT)",
    "whole": "VARCHAR",
}


def nested_record(number: str) -> str:
    return (
        f'{{"about": {{"a": [{number}, "x"], "b": {number}}}, "tags": [{number}, "{number}"], '
        f'"by_name": {{"k": {number}}}, "box": {{"a": {number}, "b": 7}}, "whole": {{"a": {number}}}}}'
    )


def nested_values(number: str) -> tuple[Any, ...]:
    about = f'{{"a":[{number},"x"],"b":{number}}}'
    return about, [number, number], {"k": number}, {"a": number, "b": 7}, f'{{"a":{number}}}'


@pytest.mark.parametrize("kind", ["json", "ndjson"])
@pytest.mark.parametrize("number", ["12345678901234567890.123", "1.10", "1e2", "0.00001", "0.5", "52.520006599999995"])
def test_a_number_within_json_and_nested_texts_is_its_text(tmp_path: Path, kind: str, number: str) -> None:
    (tmp_path / "a.json").write_text(nested_record(number))

    assert [nested_values(number)] == landed(ingest_source(tmp_path, json_source(NESTED, kind=kind)))


def test_a_number_of_an_api_within_json_and_nested_texts_is_its_text(tmp_path: Path) -> None:
    numbers = ["0.5", "12345678901234567890.123", "1.10"]
    with UnrulyApi() as api:
        api.next_does(says(f'{{"items": [{", ".join(map(nested_record, numbers))}]}}'.encode()))

        found = read(tmp_path, api, pagination={"type": "none"}, columns=NESTED)

    assert list(map(nested_values, numbers)) == found


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("STRUCT(a JSON, b VARCHAR)", '{"a": {"k": 1.10}, "b": 1.10}', {"a": '{"k":1.10}', "b": "1.10"}),
        ("STRUCT(a VARCHAR)", '{"a": {"k": [1.10, "1.10"]}}', {"a": '{"k":[1.10,"1.10"]}'}),
        ("JSON[]", '[1.10, {"a": 1e2}, null]', ["1.10", '{"a":1e2}', None]),
        ("VARCHAR[]", '[[1.10], "~1.10", null]', ["[1.10]", "~1.10", None]),
        ("VARCHAR[2]", "[1.10, 1.0]", ["1.10", "1.0"]),
        ("MAP(VARCHAR, JSON)", '{"1.10": {"k": 1.10}, "n": null}', {"1.10": '{"k":1.10}', "n": None}),
        ("STRUCT(a STRUCT(c JSON)[])", '{"a": [{"c": 1.10}, null]}', {"a": [{"c": "1.10"}, None]}),
        ("STRUCT(a VARCHAR[2], b JSON[])", '{"a": [1.10, 2], "b": null}', {"a": ["1.10", "2"], "b": None}),
        ("MAP(VARCHAR, STRUCT(a JSON))", '{"k": {"a": 1.10}, "n": null}', {"k": {"a": "1.10"}, "n": None}),
        ("STRUCT(a DOUBLE, b JSON)", '{"a": 1.10, "b": 1.10}', {"a": 1.1, "b": "1.10"}),
    ],
)
def test_a_number_is_its_text_however_deep_it_is(tmp_path: Path, kind: str, value: str, expected: object) -> None:
    (tmp_path / "a.json").write_text(f'[{{"x": null}}, {{"x": {value}}}]')

    assert [(None,), (expected,)] == landed(ingest_source(tmp_path, json_source({"x": kind})))


def test_what_does_not_fit_within_a_struct_is_shown_as_it_came(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"x": {"a": 1.10, "b": 12.345}}]')
    source = json_source({"x": "STRUCT(a VARCHAR, b DECIMAL(12,2))"})

    with pytest.raises(ContractError, match=r"""'\{"a":"1.10","b":"12.345"\}' is not a STRUCT"""):
        ingest_source(tmp_path, source)

    manifest = ingest_source(tmp_path, source | {"schema_contract": {"data_type": "evolve"}}, run_id="again")
    assert [(None, '{"a":"1.10","b":"12.345"}')] == landed(manifest, "x, x__text")

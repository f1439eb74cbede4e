"""A key that is gone from one page, or one file, of a read: the source changed between them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from kit.api_source import api_source, read
from kit.api_source import refused as refused_api
from kit.contracts import refused
from kit.ingest import ingest_source, landed
from kit.unruly_api import UnrulyApi

COLUMNS = {"id": "BIGINT", "name": "VARCHAR"}
NOT_EVOLVE = [
    None,
    "freeze",
    "discard_value",
    "discard_row",
    "quarantine",
    {"columns": "freeze", "data_type": "evolve"},
]


@pytest.fixture
def api() -> Any:
    with UnrulyApi() as server:
        yield server


def keys(columns: Any, contract: Any) -> dict[str, Any]:
    return {"columns": columns} if contract is None else {"columns": columns, "schema_contract": contract}


def files(root: Path, *contents: list[dict[str, Any]], contract: Any = None, columns: Any = COLUMNS) -> dict[str, Any]:
    for number, records in enumerate(contents, 1):
        (root / f"{number}.json").write_text(json.dumps(records))
    return {"type": "file", "format": "json", "path": "*.json", **keys(columns, contract)}


@pytest.mark.parametrize("contract", NOT_EVOLVE)
def test_a_key_that_is_gone_from_page_seven_fails_the_run(tmp_path: Path, api: UnrulyApi, contract: Any) -> None:
    api.pages = [[{"id": 2 * n, "name": "x"}, {"id": 2 * n + 1, "name": None}] for n in range(6)]
    api.pages += [[{"id": 12}, {"id": 13}], [{"id": 14, "name": "x"}]]

    told = refused_api(tmp_path, api, **keys(COLUMNS, contract))

    assert (
        'orders: page 7, record 1: no "name", nor in any of the page\'s 2 records, though every record elsewhere '
        'has it; found "id". Correct `columns`, or let `schema_contract: {columns: evolve}` land NULL there' == told
    )


def test_a_key_that_has_another_name_on_page_seven_is_told_with_it(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": n, "name": "x"}] for n in range(6)] + [[{"id": 6, "Name": "x", "of": {"name": "y"}}]]

    assert 'found "id", "Name", "of"; did you mean "Name"?' in refused_api(tmp_path, api, columns=COLUMNS)


def test_a_key_that_is_gone_from_a_page_is_null_there_under_evolve(
    tmp_path: Path, api: UnrulyApi, caplog: pytest.LogCaptureFixture
) -> None:
    api.pages = [[{"id": n, "name": "x"}] for n in range(6)] + [[{"id": 6, "other": 1}]]

    with caplog.at_level(logging.WARNING):
        rows = landed(ingest_source(tmp_path, api_source(api, **keys(COLUMNS, "evolve"))), "id, name")

    assert [(5, "x"), (6, None)] == rows[5:]
    assert 'orders: page 7, record 1: no "name"' in caplog.text


def test_a_key_that_is_gone_from_the_first_page_is_told_as_well(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": 1}], [{"id": 2, "name": "x"}]]

    assert 'orders: page 1, record 1: no "name"' in refused_api(tmp_path, api, columns=COLUMNS)


@pytest.mark.parametrize(
    "pages",
    [
        [[{"id": 1, "name": "x"}, {"id": 2}], [{"id": 3}]],
        [[{"id": 1}, {"id": 2, "name": "x"}], [{"id": 3}, {"id": 4}], [{"id": 5, "name": "y"}]],
    ],
)
def test_a_key_that_records_may_lack_is_null_where_it_is_missing(
    tmp_path: Path, api: UnrulyApi, pages: list[list[dict[str, Any]]]
) -> None:
    api.pages = pages

    expected = [(record["id"], record.get("name")) for page in api.pages for record in page]
    assert expected == read(tmp_path, api, columns=COLUMNS)


@pytest.mark.parametrize("key", ["größe", "a/b", 'a"b', "with space"])
def test_a_key_of_any_letters_is_found_on_every_page(tmp_path: Path, api: UnrulyApi, key: str) -> None:
    api.pages = [[{"id": 1, key: 1}], [{"id": 2}, {"id": 3, key: 3}]]

    assert [(1, 1), (2, None), (3, 3)] == read(tmp_path, api, columns={"id": "BIGINT", key: "BIGINT"})


def test_a_path_that_is_gone_from_a_page_fails_the_run(tmp_path: Path, api: UnrulyApi) -> None:
    columns = {"id": "BIGINT", "email": {"type": "VARCHAR", "path": "contact.email"}}
    api.pages = [[{"id": 1, "contact": {"email": "x"}}], [{"id": 2, "contact": {"mail": "y"}}]]

    assert 'orders: page 2, record 1: no "contact.email"' in refused_api(tmp_path, api, columns=columns)


def test_a_path_whose_object_is_null_on_a_page_is_null(tmp_path: Path, api: UnrulyApi) -> None:
    columns = {"id": "BIGINT", "email": {"type": "VARCHAR", "path": "contact.email"}}
    api.pages = [[{"id": 1, "contact": {"email": "x"}}], [{"id": 2, "contact": None}]]

    assert [(1, "x"), (2, None)] == read(tmp_path, api, columns=columns)


@pytest.mark.parametrize("contract", NOT_EVOLVE)
def test_a_key_that_is_gone_from_one_file_fails_the_run(tmp_path: Path, contract: Any) -> None:
    renamed = [{"id": 2, "names": "y"}, {"id": 3, "names": "z"}]

    told = refused(tmp_path, files(tmp_path, [{"id": 1, "name": "x"}], renamed, contract=contract))

    assert (
        '2.json: record 1: no "name", nor in any of the file\'s 2 records, though every record elsewhere has it; '
        'found "id", "names"; did you mean "names"? Correct `columns`, or let `schema_contract: {columns: evolve}` '
        "land NULL there" == told
    )


def test_a_key_that_is_gone_from_one_file_is_null_there_under_evolve(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = files(tmp_path, [{"id": 1, "name": "x"}], [{"id": 2}], contract={"columns": "evolve"})

    with caplog.at_level(logging.WARNING):
        assert [(1, "x"), (2, None)] == landed(ingest_source(tmp_path, source), "id, name")

    assert '2.json: record 1: no "name"' in caplog.text


def test_a_key_that_records_of_files_may_lack_is_null_where_it_is_missing(tmp_path: Path) -> None:
    source = files(tmp_path, [{"id": 1, "name": "x"}, {"id": 2}], [{"id": 3}], [])

    assert [(1, "x"), (2, None), (3, None)] == landed(ingest_source(tmp_path, source), "id, name")


def test_a_key_of_late_records_of_a_file_is_there(tmp_path: Path) -> None:
    source = files(tmp_path, [{"id": 1, "name": "x"}], [{"id": 2}] * 2_000 + [{"id": 3, "name": "z"}])

    assert (3, "z") == landed(ingest_source(tmp_path, source), "id, name")[-1]

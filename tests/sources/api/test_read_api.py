"""Pages become rows: records, paths, values and types."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dataflow.interval import Interval
from kit.api_source import api_source, read, refused
from kit.ingest import ingest_source, landed
from kit.unruly_api import UnrulyApi, says, zipped


def test_every_page_is_read(tmp_path: Path, api: UnrulyApi) -> None:
    assert [(1,), (2,), (3,)] == read(tmp_path, api)
    assert ["1", "2", "3"] == [query["page"] for _, query, _ in api.asked]


def test_one_answer_may_be_the_list_itself(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says([{"id": 7}]))

    assert [(7,)] == read(tmp_path, api, records=None, pagination={"type": "none"})


def test_records_are_read_however_they_are_laid_out(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(says(b'\xef\xbb\xbf{"items":\r\n [\n {"id":\n 7, "note": "a\\nb"} ,\n\n{ "id" : 8 }\n]\n}\n'))

    assert [(7, "a\nb"), (8, None)] == read(
        tmp_path, api, pagination={"type": "none"}, columns={"id": "BIGINT", "note": "VARCHAR"}
    )


def test_values_are_taken_by_path(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [
        [
            {"id": 1, "contact": {"email": "a@example.com", "tags": ["x", "y"]}, "a/b": {"~": 5}},
            {"id": 2, "contact": None},
            {"id": 3, "contact": {"email": None, "tags": None}},
            {"id": 4, "contact": "none"},
        ]
    ]
    columns = {
        "id": "BIGINT",
        "email": {"type": "VARCHAR", "path": "contact.email"},
        "tags": {"type": "JSON", "path": "contact.tags"},
        "second": {"type": "VARCHAR", "path": "contact.tags.1"},
        "odd": {"type": "INTEGER", "path": "a/b.~"},
        "contact": "JSON",
    }

    rows = read(tmp_path, api, columns=columns)

    assert (1, "a@example.com", '["x","y"]', "y", 5) == rows[0][:5]
    assert (2, None, None, None, None, None) == rows[1]
    assert (3, None, None, None, None, '{"email":null,"tags":null}') == rows[2]
    assert (4, None, None, None, None, '"none"') == rows[3]


def test_a_wide_decimal_keeps_every_digit(tmp_path: Path, api: UnrulyApi) -> None:
    amount, note = "12345678901234567.89", r'"1.50 \"2.5\" e5"'
    body = f'{{"items": [{{"id": 1, "amount": {amount}, "note": {note}}}, {{"id": 2e0, "amount": 1.5}}]}}'
    api.next_does(says(body.encode()))

    rows = read(
        tmp_path,
        api,
        pagination={"type": "none"},
        columns={"id": "BIGINT", "amount": "DECIMAL(20,2)", "note": "VARCHAR"},
    )

    assert [(1, Decimal("12345678901234567.89"), '1.50 "2.5" e5'), (2, Decimal("1.50"), None)] == rows


def test_a_path_that_no_record_has_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": 1, "contact": {"mail": "x"}}]]

    told = refused(tmp_path, api, columns={"email": {"type": "VARCHAR", "path": "contact.email"}})

    assert 'orders: no "contact.email" for the column "email"; records have "contact", "id"' == told


def test_a_column_that_no_record_has_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    told = refused(tmp_path, api, columns={"Id": "BIGINT"})

    assert 'orders: no column "Id"; found "id"; did you mean "id"?' == told


def test_an_answer_without_records_lands_no_rows(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = []

    assert [] == read(tmp_path, api)


@pytest.mark.parametrize("behaviour", [says({"items": None}), says(b"", 204)])
def test_null_and_no_content_are_no_rows(tmp_path: Path, api: UnrulyApi, behaviour: Any) -> None:
    api.next_does(behaviour)

    assert [] == read(tmp_path, api)


def test_a_value_that_does_not_fit_on_page_seven_is_told_with_page_and_record(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": 2 * n}, {"id": 2 * n + 1}] for n in range(6)] + [[{"id": 12}, {"id": "zz"}]]

    told = refused(tmp_path, api)

    assert (
        "orders: page 7, record 2: column \"id\": 'zz' is not a BIGINT; mend the data or declare another type" == told
    )


def test_a_record_that_is_no_object_is_told(tmp_path: Path, api: UnrulyApi) -> None:
    api.pages = [[{"id": 1}], [{"id": 2}, 5]]

    assert "orders: page 2, record 2: it is a number, and a record is an object" == refused(tmp_path, api)


def test_zipped_answers_are_read(tmp_path: Path, api: UnrulyApi) -> None:
    api.next_does(zipped({"items": [{"id": 9}]}))

    assert [(9,)] == read(tmp_path, api, pagination={"type": "none"})


def test_only_the_range_is_landed(tmp_path: Path, api: UnrulyApi) -> None:
    days = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
    api.pages = [[{"id": 1, "at": "2025-01-01T10:00:00Z"}, {"id": 2, "at": "2025-01-03T10:00:00Z"}]]
    columns = {"id": "BIGINT", "at": "TIMESTAMPTZ"}

    manifest = ingest_source(
        tmp_path, api_source(api, columns=columns, incremental={"cursor": "at"}), cursor=days, window=days
    )

    assert [(1,)] == landed(manifest, "id")

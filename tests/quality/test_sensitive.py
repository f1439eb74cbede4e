"""No outcome of a check shows a value of a sensitive column."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import duckdb
import pytest

from dataflow.interval import Interval
from dataflow.quality.judge import judge
from dataflow.sensitive import sensitive_in_batch, sensitive_in_transform
from dataflow.spec.checks import Check
from kit.runs import make_workflow

WINDOW = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
COLUMNS = {
    "person_id": "BIGINT",
    "Email": {"type": "VARCHAR", "sensitive": True},
    "born": {"type": "TIMESTAMPTZ", "sensitive": True},
}
OPEN = {"type": "mock", "columns": {"visit": "VARCHAR"}}
SPEC = make_workflow(sources={"people": {"type": "mock", "columns": COLUMNS}, "visits": OPEN}).spec


def outcome_of(check: dict[str, Any], *, in_transform: bool = False, source: str = "people") -> Any:
    sensitive = sensitive_in_transform(SPEC) if in_transform else sensitive_in_batch(SPEC, source)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE people AS SELECT 1 AS person_id, 'ada@example.com' AS email, "
            "TIMESTAMPTZ '1815-12-10 00:00:00+00' AS born UNION ALL SELECT 1, NULL, NULL"
        )
        return judge(connection, "people", [Check(**check)], window=WINDOW, tables={}, sensitive=sensitive)[0]


def test_a_failing_row_is_shown_without_what_is_sensitive_and_what_is_missing_is_seen() -> None:
    outcome = outcome_of({"unique": "person_id"})

    rows = [{"person_id": 1, "email": "***", "born": "***"}, {"person_id": 1, "email": None, "born": None}]
    assert sorted(rows, key=str) == sorted(outcome.sample, key=str)


@pytest.mark.parametrize(
    ("check", "in_transform"),
    [
        ({"sql": "select email as person_id, born::text as x from people"}, False),
        ({"sql": "select cast(email as integer) from people"}, False),
        ({"sql": "select json_extract(email, 'a') from people"}, False),
        ({"not_null": "person_id", "where": "email::int > 0"}, False),
        ({"accepted_values": {"column": "email", "values": ["x"]}}, False),
        ({"range": {"column": "email", "min": 5}}, False),
        ({"regex": {"column": "email", "pattern": "[a-z]+"}}, False),
        ({"freshness": {"column": "born", "max_age": "1d"}}, False),
        ({"freshness": {"column": "email", "max_age": "1d"}}, False),
        ({"unique": "person_id"}, True),
    ],
)
def test_no_message_and_no_sample_shows_it(check: dict[str, Any], *, in_transform: bool) -> None:
    outcome = outcome_of(check, in_transform=in_transform)

    assert outcome.status != "passed"
    told = json.dumps(outcome.to_json())
    assert "ada" not in told
    assert "1815" not in told


def test_a_query_over_another_source_may_name_it_too() -> None:
    outcome = outcome_of({"sql": "select email as visit from people"}, source="visits")

    assert [{"visit": "***"}, {"visit": None}] == sorted(outcome.sample, key=str)


def test_where_nothing_is_sensitive_errors_are_told_whole() -> None:
    spec = make_workflow(sources={"people": OPEN}).spec
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE people AS SELECT 'ada' AS name")

        outcome = judge(
            connection,
            "people",
            [Check(not_null="name", where="name::int > 0")],
            window=WINDOW,
            tables={},
            sensitive=sensitive_in_batch(spec, "people"),
        )[0]

    assert "Could not convert string 'ada'" in outcome.message


def test_what_did_not_fit_a_sensitive_column_is_hidden_too() -> None:
    assert {"email", "email__text"} <= sensitive_in_batch(SPEC, "people").columns

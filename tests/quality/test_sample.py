"""The rows that are shown of a check that failed."""

from __future__ import annotations

import json

from kit.judging import judge_one


def test_the_sample_is_small_stable_and_fit_for_json(connection):
    connection.execute(
        "CREATE TABLE wide AS SELECT 'text ' || repeat('x', 500) AS long, i AS id, 2::HUGEINT ** 70 AS huge, "
        "'inf'::DOUBLE AS endless, 1.10::DECIMAL(5,2) AS price, TIMESTAMPTZ '2025-01-01 00:00:00+00' AS at, "
        "[1, 2] AS items, 'a' || chr(0) AS nul, '\\x00'::BLOB AS bytes, 7 AS _dataflow_run FROM range(9) AS r(i)"
    )

    outcome = judge_one(connection, relation="wide", range={"column": "ID", "max": -1})
    again = judge_one(connection, relation="wide", range={"column": "ID", "max": -1})

    assert outcome.sample == again.sample
    assert [0, 1, 2, 3, 4] == [row["id"] for row in outcome.sample]
    assert ["id", "long", "huge", "endless", "price", "at", "items", "nul", "bytes"] == list(outcome.sample[0])
    assert 101 == len(outcome.sample[0]["long"])
    assert "inf" == outcome.sample[0]["endless"]
    assert "1.10" == outcome.sample[0]["price"]
    assert "2025-01-01 00:00:00+00" == outcome.sample[0]["at"]
    assert outcome.to_json() == json.loads(json.dumps(outcome.to_json(), allow_nan=False))


def test_the_sample_of_unique_shows_the_rows_that_share_a_value(connection):
    outcome = judge_one(connection, unique="order_id")

    assert [(2, "lost"), (2, "shipped")] == sorted((row["order_id"], row["status"]) for row in outcome.sample)

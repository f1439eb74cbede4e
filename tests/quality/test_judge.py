"""Checks judge real DuckDB tables, and fail closed."""

from __future__ import annotations

import pytest

from dataflow.errors import OutOfRoom
from dataflow.quality.judge import reads_of_checks
from dataflow.spec.checks import Check
from kit.judging import judge_one


@pytest.mark.parametrize(
    ("check", "failures", "message"),
    [
        (
            {"not_null": ["order_id", "status"]},
            1,
            "1 of 4 rows hold a null (order_id: 1, status: 1)",
        ),
        ({"unique": "order_id"}, 2, "2 of 4 rows share their order_id with another row (1 values)"),
        ({"unique": ["order_id", "status"]}, 0, "0 of 4 rows share their order_id, status with another row (0 values)"),
        (
            {"accepted_values": {"column": "status", "values": ["placed", "shipped"]}},
            1,
            "status is other than placed, shipped in 1 of 4 rows",
        ),
        (
            {"range": {"column": "amount", "min": 0, "max": 6.5}},
            2,
            "amount is below 0 or above 6.5 in 2 of 4 rows",
        ),
        ({"range": {"column": "updated_at", "min": "2025-01-01 09:30"}}, 1, None),
        ({"row_count": {"min": 5}}, 1, "4 rows, expected at least 5"),
        ({"row_count": {"min": 1, "max": 3}}, 1, "4 rows, expected at least 1 and at most 3"),
        ({"row_count": {"min": 4, "max": 4}}, 0, None),
        ({"freshness": {"column": "updated_at", "max_age": "4h"}}, 0, None),
        (
            {"freshness": {"column": "updated_at", "max_age": "3h"}},
            1,
            "the newest updated_at is 2025-01-01 20:00:00+00, 4h before the window's end; allowed are 3h",
        ),
        (
            {"relationships": {"column": "customer_id", "to": "customers.customer_id"}},
            1,
            "customer_id is not in customers.customer_id in 1 of 4 rows",
        ),
        ({"sql": "select * from orders where amount < 0; -- bad"}, 1, "the query returned 1 row (4 judged)"),
        ({"sql": "with bad as (select 1 where false) from bad"}, 0, None),
        ({"regex": {"column": "status", "pattern": "placed|ship.*"}}, 1, None),
        ({"regex": {"column": "status", "pattern": "^(?i)[A-Z]+$"}}, 0, None),
        ({"regex": {"column": "status", "pattern": "place"}}, 3, "status does not match place in 3 of 4 rows"),
        ({"regex": {"column": "order_id", "pattern": "[0-9]"}}, 0, None),
        (
            {"null_rate": {"column": "status", "max": 0.2}},
            1,
            "status is null in 1 of 4 rows (0.25); allowed are 0.2",
        ),
        ({"null_rate": {"column": "status", "max": 0.25}}, 0, None),
        ({"null_rate": {"column": "status", "max": 0}}, 1, None),
        (
            {"schema": {"columns": {"ORDER_ID": "INT4", "amount": "VARCHAR", "tax": "DOUBLE"}}},
            2,
            "amount is DECIMAL(2,1), expected VARCHAR; tax is missing",
        ),
        ({"schema": {"columns": {"order_id": "INTEGER", "status": "TEXT"}}}, 0, "it has the 2 columns"),
        (
            {"schema": {"columns": {"order_id": "INTEGER"}, "others": "refuse"}},
            4,
            "customer_id is not expected; status is not expected; amount is not expected; updated_at is not expected",
        ),
    ],
)
def test_each_kind_counts_its_failures(connection, check, failures, message):
    outcome = judge_one(connection, **check)

    assert ("failed" if failures else "passed") == outcome.status, outcome.message
    assert failures == outcome.failures
    assert 4 == outcome.rows
    assert message is None or message == outcome.message


def test_where_narrows_what_is_judged_and_may_end_in_a_comment(connection):
    outcome = judge_one(connection, not_null=["status"], where="order_id is not null -- the real ones")

    assert ("passed", 0, 3) == (outcome.status, outcome.failures, outcome.rows)


def test_where_narrows_the_rows_that_a_query_returns(connection):
    outcome = judge_one(connection, sql="select * from orders", where="status = 'lost'")

    assert (1, 1) == (outcome.failures, outcome.rows)


def test_a_warning_is_told_and_fails_nothing(connection):
    outcome = judge_one(connection, unique="order_id", on_fail="warn")

    assert ("warned", False) == (outcome.status, outcome.fails_task)


@pytest.mark.parametrize(
    ("max_failures", "status"), [(0, "failed"), (1, "failed"), (2, "passed"), ("49%", "failed"), ("50%", "passed")]
)
def test_some_failures_may_be_let_pass(connection, max_failures, status):
    outcome = judge_one(connection, unique="order_id", max_failures=max_failures)

    assert (status, 2) == (outcome.status, outcome.failures)


def test_max_failures_never_excuses_a_check_of_the_whole_table(connection):
    outcome = judge_one(connection, row_count={"min": 100}, max_failures=5)

    assert "failed" == outcome.status


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            {"not_null": "order_idd"},
            "could not be evaluated: no column 'order_idd'; did you mean 'order_id'? (there are: order_id, customer_id",
        ),
        ({"range": {"column": "status", "min": 5}}, "could not be evaluated: Binder Error: Cannot compare values"),
        ({"sql": "drop table orders"}, "could not be evaluated: write exactly one SELECT; found DROP"),
        ({"sql": "select 1; select 2"}, "could not be evaluated: write exactly one SELECT; found SELECT, SELECT"),
        ({"sql": "-- nothing"}, "could not be evaluated: write exactly one SELECT; found nothing"),
        ({"sql": "selec 1"}, 'could not be evaluated: Parser Error: syntax error at or near "selec"'),
        ({"not_null": "status", "where": "true); drop table orders; --"}, "could not be evaluated: Parser Error"),
        ({"not_null": "status", "where": "stat = 1"}, 'could not be evaluated: Binder Error: Referenced column "stat"'),
        (
            {"relationships": {"column": "customer_id", "to": "clients.customer_id"}},
            "could not be evaluated: no table 'clients' to judge against",
        ),
        (
            {"relationships": {"column": "customer_id", "to": "customers.id"}},
            "could not be evaluated: no column 'id'",
        ),
        (
            {"freshness": {"column": "updated_at", "max_age": "1d"}, "where": "false"},
            "could not be evaluated: there is no updated_at to judge",
        ),
    ],
)
def test_what_cannot_be_judged_is_an_error_and_fails_the_task(connection, check, message):
    outcome = judge_one(connection, **check)

    assert ("error", True) == (outcome.status, outcome.fails_task)
    assert outcome.message.startswith(message)
    assert 4 == connection.execute("SELECT count(*) FROM orders").fetchone()[0]


@pytest.mark.parametrize(
    "check",
    [
        {"not_null": "order_id"},
        {"unique": "order_id"},
        {"accepted_values": {"column": "status", "values": ["placed"]}},
        {"range": {"column": "amount", "min": 0}},
        {"regex": {"column": "status", "pattern": "x"}},
        {"null_rate": {"column": "status", "max": 0}},
        {"relationships": {"column": "customer_id", "to": "customers.customer_id"}},
    ],
    ids=lambda check: next(iter(check)),
)
def test_what_holds_for_no_row_is_broken_by_none_and_that_is_told(connection, check):
    outcome = judge_one(connection, **check, where="status = 'plcaed'")

    assert ("passed", 0) == (outcome.status, outcome.rows)
    assert outcome.message.endswith("; there was no row to judge, `where` held for none")


def test_a_pattern_with_quotes_is_a_pattern(connection):
    outcome = judge_one(connection, regex={"column": "status", "pattern": "(placed|shipped|lost)'?"})

    assert ("passed", 0) == (outcome.status, outcome.failures)


def test_a_query_out_of_memory_is_no_verdict_on_the_data(connection):
    connection.execute("SET memory_limit = '10MB'; SET temp_directory = ''")

    with pytest.raises(OutOfRoom, match=r"^Out of Memory Error: [^;\n]*; raise DATAFLOW_MEMORY, or free the disk of"):
        judge_one(connection, sql="select 1 from (select distinct hash(range) from range(5000000))")


def test_a_table_that_is_not_there_is_an_error(connection):
    outcome = judge_one(connection, relation="nothing", row_count={"max": 5})

    assert "error" == outcome.status


def test_a_relation_may_lie_in_a_schema(connection):
    connection.execute("CREATE SCHEMA batch; CREATE TABLE batch.orders AS FROM orders LIMIT 0")

    outcome = judge_one(connection, relation="batch.orders", not_null="order_id")

    assert ("passed", 0) == (outcome.status, outcome.rows)


def test_accepted_values_of_text_are_compared_as_text(connection):
    connection.execute("CREATE TABLE flags AS SELECT unnest(['1', 'true', 'x', NULL]) AS flag")

    outcome = judge_one(connection, relation="flags", accepted_values={"column": "flag", "values": [1, True]})

    assert (1, [{"flag": "x"}]) == (outcome.failures, outcome.sample)


def test_a_number_that_is_none_is_out_of_every_range(connection):
    connection.execute("CREATE TABLE numbers AS SELECT unnest(['nan'::DOUBLE, 1.0, NULL]) AS n")

    outcome = judge_one(connection, relation="numbers", range={"column": "n", "min": 0})

    assert (1, [{"n": "nan"}]) == (outcome.failures, outcome.sample)


def test_freshness_reads_iso_text_with_offsets(connection):
    connection.execute(
        "CREATE TABLE seen AS SELECT unnest(['2025-01-01T23:30:00+05:00', '2025-01-01T20:00:00Z']) AS at"
    )

    outcome = judge_one(connection, relation="seen", freshness={"column": "at", "max_age": "4h"})

    assert "passed" == outcome.status


def test_unique_finds_the_same_in_parts_as_in_one(connection):
    # More keys than are compared at once: each value below 100,000 is there twice, the others once, some are NULL.
    connection.execute(
        "CREATE TABLE many AS SELECT CASE WHEN i < 1_100_000 THEN 'key ' || i % 1_000_000 END AS key "
        "FROM range(1_200_000) AS r(i)"
    )

    outcome = judge_one(connection, relation="many", unique="key", on_fail="warn")

    assert "200000 of 1200000 rows share their key with another row (100000 values)" == outcome.message


def test_relationships_tell_which_tables_they_need():
    checks = [
        Check(not_null="a"),
        Check(relationships={"column": "a", "to": "customers.id"}),
        Check(relationships={"column": "b", "to": "shops.id"}),
    ]

    assert frozenset({"customers", "shops"}) == reads_of_checks(checks)

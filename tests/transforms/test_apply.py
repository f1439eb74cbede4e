"""Stages turn a batch into a table, in real DuckDB."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest

from dataflow.errors import ContractError, DataQualityError, FatalError
from dataflow.identifiers import quote
from dataflow.interval import Interval
from dataflow.quality.judge import judge
from dataflow.quality.outcome import raise_on_failures
from dataflow.spec.transforms import TransformBody
from dataflow.transforms.apply import apply_stages

if TYPE_CHECKING:
    from collections.abc import Iterator

WINDOW = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE SCHEMA batch")
        connection.execute(
            "CREATE TABLE batch.orders AS SELECT *, 'r1' AS _dataflow_run FROM (VALUES "
            "(1, 'placed', '5.0', ['a', 'b']), (2, 'shipped', '7.5', []), (2, 'lost', '-1', ['c'])) "
            "AS t(order_id, status, amount, tags)"
        )
        connection.execute("CREATE VIEW orders AS SELECT * FROM batch.orders")
        connection.execute("CREATE TABLE customers AS SELECT 1 AS order_id, 'Ada' AS name, 'r0' AS _dataflow_run")
        yield connection


class Stages:
    """What the runtime gives: here, python doubles the rows and a check is judged at once."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection

    def python(self, name: str, relation: str | None) -> str:
        # Author functions see the table by its own name too.
        source = "SELECT 1 AS order_id" if relation is None else "SELECT * FROM orders UNION ALL SELECT * FROM orders"
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {quote('made_by_' + name)} AS {source}")
        return "made_by_" + name

    def check(self, check: Any, relation: str) -> None:
        raise_on_failures("orders", judge(self.connection, relation, [check], window=WINDOW, tables={}))

    def apply(self, *stages: Any, source: str | None = "orders", name: str = "orders") -> str:
        transform = TransformBody.model_validate({"stages": list(stages)})
        return apply_stages(
            self.connection,
            transform,
            name=name,
            source=source,
            window=WINDOW,
            python=self.python,
            check=self.check,
        )

    def rows(self, *stages: Any, **options: Any) -> list[dict[str, Any]]:
        relation = self.apply(*stages, **options)
        result = self.connection.execute(f"SELECT * FROM {quote(relation)} ORDER BY ALL")
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


@pytest.fixture
def stages(connection) -> Stages:
    return Stages(connection)


def test_without_stages_the_batch_goes_through(stages):
    assert [1, 2, 2] == [row["order_id"] for row in stages.rows(source="batch.orders")]


def test_deduplicate_keeps_the_first_row_of_each_key_in_the_order_given(stages):
    rows = stages.rows({"deduplicate": {"key": "ORDER_ID", "order_by": "amount::DOUBLE desc -- dearest"}})

    assert [(1, "placed"), (2, "shipped")] == [(row["order_id"], row["status"]) for row in rows]


def test_bare_deduplicate_compares_the_authors_columns_only(stages, connection):
    connection.execute("INSERT INTO batch.orders VALUES (1, 'placed', '5.0', ['a', 'b'], 'r0')")

    rows = stages.rows("deduplicate")

    assert [(1, "r0"), (2, "r1"), (2, "r1")] == [(row["order_id"], row["_dataflow_run"]) for row in rows]


def test_derive_adds_and_replaces_in_the_order_written(stages):
    rows = stages.rows({"derive": {"net": "amount::DOUBLE * 2", "gross": "net + 1 -- tax", "STATUS": "upper(status)"}})

    assert {"order_id": 1, "STATUS": "PLACED", "net": 10.0, "gross": 11.0, "_dataflow_run": "r1"} == {
        name: value for name, value in rows[0].items() if name not in ("amount", "tags")
    }


def test_a_derived_value_is_computed_once(stages):
    stages.apply({"derive": {"luck": "random()"}})

    rows = stages.rows({"derive": {"luck": "random()"}}, {"derive": {"again": "luck"}}, {"filter": "luck = again"})

    assert 3 == len(rows)


def test_filter_keeps_the_rows_for_which_it_holds(stages):
    assert ["shipped"] == [row["status"] for row in stages.rows({"filter": "status like 's%' -- s"})]


def test_rename_may_swap_two_columns(stages):
    rows = stages.rows({"rename": {"status": "amount", "amount": "status"}})

    assert ("placed", "5.0") == (rows[0]["amount"], rows[0]["status"])


def test_select_keeps_our_columns_too(stages):
    rows = stages.rows({"select": ["status", "order_id"]})

    assert ["status", "order_id", "_dataflow_run"] == list(rows[0])


def test_drop_leaves_columns_out(stages):
    rows = stages.rows({"drop": ["tags", "amount"]})

    assert ["order_id", "status", "_dataflow_run"] == list(rows[0])


def test_cast_changes_types(stages):
    rows = stages.rows({"cast": {"amount": "DECIMAL(12,2)", "order_id": "VARCHAR"}})

    assert ("1", "5.00") == (rows[0]["order_id"], str(rows[0]["amount"]))


def test_a_cast_that_does_not_fit_names_column_and_value(stages):
    with pytest.raises(ContractError) as caught:
        stages.apply({"cast": {"status": "INTEGER"}})

    assert "orders: stage 1 (cast): status: 'lost' does not fit INTEGER (3 of 3 rows do not)" == str(caught.value)


def test_unnest_gives_one_row_for_each_item(stages):
    rows = stages.rows({"unnest": "tags"})

    assert [(1, "a"), (1, "b"), (2, "c")] == [(row["order_id"], row["tags"]) for row in rows]


def test_unnest_reads_json_and_arrays_of_fixed_length(stages, connection):
    connection.execute("CREATE TABLE lists AS SELECT '[1, {\"a\": 2}]'::JSON AS j, [1, 2]::INTEGER[2] AS f")

    rows = stages.rows({"unnest": "j"}, {"unnest": "f"}, source="lists")

    assert [("1", 1), ("1", 2), ('{"a":2}', 1), ('{"a":2}', 2)] == sorted((row["j"], row["f"]) for row in rows)


def test_add_timestamps_adds_the_windows_end(stages):
    rows = stages.rows("add_timestamps")

    assert [WINDOW.end] * 3 == [row["loaded_at"] for row in rows]


def test_sql_sees_the_rows_so_far_under_the_tables_own_name(stages):
    rows = stages.rows(
        {"filter": "status <> 'lost'"},
        {"sql": "select o.*, c.* exclude (order_id) from orders o left join customers c using (order_id); -- joined"},
        {"rename": {"name": "customer"}},
        {"sql": "select * from orders where customer = 'Ada'"},
    )

    assert [("Ada", "r1")] == [(row["customer"], row["_dataflow_run"]) for row in rows]


def test_sql_reaches_the_batch_as_it_came(stages):
    rows = stages.rows({"filter": "order_id = 1"}, {"sql": "select * from batch.orders"})

    assert 3 == len(rows)


def test_afterwards_the_own_name_means_the_callers_table_again(stages, connection):
    stages.apply({"filter": "false"}, {"sql": "select * from orders"})

    assert (3,) == connection.execute("SELECT count(*) FROM orders").fetchone()


def test_a_source_may_be_a_temporary_view_of_the_tables_own_name(stages, connection):
    connection.execute("CREATE TEMP VIEW orders AS SELECT * FROM batch.orders")

    rows = stages.rows({"sql": "select * from orders"}, {"sql": "select * from orders"})

    assert 3 == len(rows)


def test_a_table_made_from_others_begins_with_sql_or_python(stages):
    assert [{"n": 3}] == stages.rows({"sql": "select count(*) n from orders"}, source=None, name="totals")
    assert [{"order_id": 1}] == stages.rows({"python": "totals"}, source=None, name="totals")


def test_python_gets_the_rows_and_gives_new_ones(stages):
    rows = stages.rows({"python": "twice"}, {"sql": "select * from orders"}, {"python": "four_times"})

    assert 12 == len(rows)


def test_a_check_stage_judges_the_rows_so_far(stages):
    fine = stages.rows({"filter": "order_id = 1"}, {"check": {"unique": "order_id"}})

    with pytest.raises(DataQualityError):
        stages.apply({"filter": "order_id = 2"}, {"check": {"unique": "order_id"}})
    with pytest.raises(DataQualityError, match="2 rows"):
        stages.apply({"filter": "order_id = 2"}, {"check": {"sql": "select * from orders"}})

    assert 1 == len(fine)


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        ({"drop": "statsu"}, "no column 'statsu'; did you mean 'status'? (there are: order_id, status, amount, tags)"),
        ({"select": ["status", "STATUS"]}, "two columns would be called 'status'; give one of them another name"),
        ({"drop": ["order_id", "status", "amount", "tags"]}, "no column would be left"),
        ({"rename": {"status": "Amount"}}, "two columns would be called 'amount'"),
        ({"rename": {"status": "_dataflow_x"}}, "'_dataflow_x' is reserved"),
        ({"derive": {"_dataflow_run": "1"}}, "'_dataflow_run' is reserved"),
        ({"select": "_dataflow_run"}, "'_dataflow_run' is reserved"),
        ({"add_timestamps": {"loaded_at": "status"}}, "two columns would be called 'status'"),
        ({"filter": "true); drop table customers; select (1"}, "an expression may not hold a semicolon"),
        (
            {"filter": "statsu = 1"},
            'Binder Error: Referenced column "statsu" not found in FROM clause! Candidate bindings: "status"',
        ),
        (
            {"derive": {"tax": "amount * 2"}},
            "Binder Error: No function matches the given name and argument types '*(VARCHAR, INTEGER_LITERAL)'",
        ),
        ({"deduplicate": {"key": "order_id", "order_by": "updated"}}, "Binder Error: Referenced column updated not"),
        ({"cast": {"amount": "DECIMALL"}}, "Catalog Error: Type with name DECIMALL does not exist!"),
        ({"sql": "select * from nowhere"}, "Catalog Error: Table with name nowhere does not exist!"),
        ({"sql": "delete from customers"}, "write exactly one SELECT; found DELETE"),
        (
            {"sql": "select * from orders join customers on true"},
            "two columns would be called 'order_id'; give one of them another name",
        ),
    ],
)
def test_a_stage_that_cannot_run_says_which_and_why(stages, connection, stage, text):
    with pytest.raises(FatalError) as caught:
        stages.apply({"filter": "true"}, stage)

    (kind,) = stage
    assert not isinstance(caught.value, ContractError)
    assert str(caught.value).startswith(f"orders: stage 2 ({kind}): {text}")
    assert (1,) == connection.execute("SELECT count(*) FROM customers").fetchone()


def test_duckdbs_message_comes_with_the_columns_that_exist(stages):
    with pytest.raises(FatalError, match=r"; the columns are order_id, status, amount, tags, _dataflow_run$"):
        stages.apply({"filter": "nothing = 1"})


@pytest.mark.parametrize(
    ("stage", "text"),
    [
        ({"derive": {"n": "status::INTEGER"}}, "Conversion Error: Could not convert string"),
        ({"unnest": "amount"}, "amount is VARCHAR, not a list; `unnest` takes lists"),
    ],
)
def test_data_that_does_not_fit_is_a_broken_contract(stages, stage, text):
    with pytest.raises(ContractError) as caught:
        stages.apply(stage)

    assert text in str(caught.value)


def test_a_table_without_rows_to_start_from_is_told(stages):
    with pytest.raises(FatalError, match=r"totals: stage 1 \(filter\): no rows yet"):
        stages.apply({"filter": "true"}, source=None, name="totals")
    with pytest.raises(FatalError, match="totals: no rows to load"):
        stages.apply(source=None, name="totals")
    with pytest.raises(FatalError, match=r"orders: its batch: there is no relation 'batch\.nothing'"):
        stages.apply(source="batch.nothing")


def test_an_error_of_the_authors_function_stays_what_it_is(stages, connection):
    def fail(name: str, relation: str | None) -> str:
        raise ZeroDivisionError(name)

    stages.python = fail

    with pytest.raises(ZeroDivisionError):
        stages.apply({"filter": "false"}, {"python": "orders"})

    assert (3,) == connection.execute("SELECT count(*) FROM orders").fetchone()

"""Checks in whole runs: what is kept of them, what is told, and what history has to do with it."""

from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest

from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.telling.news import News, news_of_end
from kit.project import DAILY, Project
from kit.runs import days

COLUMNS = {"order_id": "BIGINT", "email": {"type": "VARCHAR", "sensitive": True}, "amount": "BIGINT"}
ROWS = """
def orders(ctx):
    import json, pathlib
    rows = json.loads((pathlib.Path(__file__).parent / "rows.json").read_text())
    yield [
        {"order_id": n, "email": f"ada{n}@example.com", "amount": -1 if n == 0 else n}
        for n in range(rows.get(str(ctx.window.start.day), 100))
    ]
"""


@pytest.fixture
def shop(project: Project) -> Project:
    write(project, validate={"orders": [{"anomaly": {"metric": "row_count"}}]})
    return project


def write(project: Project, **config: Any) -> None:
    source = {"type": "python", "columns": COLUMNS, "windowed": True}
    validation = config.pop("validation", "")
    given = {**DAILY, "sources": {"orders": source}, "load": {"orders": {"mode": "append"}}, **config}
    project.write_workflow("shop", given, ingestion=ROWS, **({"validation": validation} if validation else {}))
    project.write_file("include/workflows/shop/rows.json", json.dumps({"20": 40}))


def run(project: Project, day: int) -> Any:
    return run_workflow(project.workflow("shop"), settings=project.settings(), window=days(day - 1, day))


def story(project: Project, run_id: str) -> Any:
    return read_run(open_history(project.settings().ops), run_id)


def news(project: Project, run_id: str, event: Any = "failure") -> News:
    known = News(event=event, workflow="shop", title="Shop", owner="o", run_id=run_id)
    return news_of_end(known, settings=project.settings(), reason="")


def test_a_drop_fails_the_run_is_an_anomaly_and_is_told_to_those_who_hear_of_them(shop):
    first = run(shop, 1)
    assert "not enough history: 0 of 7 runs (row_count is 100 rows)" == story(shop, first.run_id).checks[0]["message"]
    for day in range(2, 12):
        assert "success" == run(shop, day).status

    result = run(shop, 20)

    assert ("failed", "validate.orders") == (result.status, result.failed_step)
    assert "anomaly_row_count: row_count is 40 rows; usual is" in result.error
    anomalies = story(shop, result.run_id).anomalies
    assert ["ANOMALY", "DATA_QUALITY", "WORKFLOW_FAILURE"] == [row["category"] for row in anomalies]
    assert {"table": "orders", "check": "anomaly_row_count", "figure": 40.0} == {
        name: anomalies[0]["metadata"][name] for name in ("table", "check", "figure")
    }
    assert {"failure", "anomaly"} == news(shop, result.run_id).events


def test_an_anomaly_that_warns_is_told_once_and_its_figure_counts(shop):
    write(shop, validate={"orders": [{"anomaly": {"metric": "row_count"}, "on_fail": "warn"}]})
    for day in range(1, 12):
        run(shop, day)

    result = run(shop, 20)

    assert "success" == result.status
    told = news(shop, result.run_id, "success")
    assert {"success", "anomaly"} == told.events
    assert 1 == len(told.details)
    message = story(shop, run(shop, 21).run_id).checks[0]["message"]
    assert "(of 12 windows" in message


def test_a_check_that_is_new_knows_how_many_rows_earlier_runs_had(shop):
    write(shop, validate={})
    for day in range(1, 9):
        run(shop, day)
    write(shop, validate={"orders": [{"anomaly": {"metric": "row_count"}}]})

    assert "failed" == run(shop, 20).status


def test_a_stage_is_compared_with_the_same_stage_of_earlier_runs(shop):
    stages = [{"filter": "order_id < 1000"}, {"check": {"anomaly": {"metric": "sum", "column": "amount"}}}]
    write(shop, transform={"orders": stages})
    for day in range(1, 9):
        run(shop, day)

    result = run(shop, 20)

    assert ("failed", "transform.orders") == (result.status, result.failed_step)
    assert "sum of amount is 779; usual is" in result.error


def test_run_history_keeps_at_most_five_refused_rows_and_nothing_shows_what_is_sensitive(shop, caplog):
    caplog.set_level(logging.DEBUG)
    checks = [
        {"range": {"column": "amount", "max": 50}, "on_fail": "warn"},
        {"sql": "select email as order_id from orders where amount = -1", "on_fail": "warn"},
        {"sql": "select email::int as n from orders order by n", "name": "breaks", "on_fail": "warn"},
        {"accepted_values": {"column": "email", "values": ["x"]}},
    ]
    write(shop, validate={"orders": checks})

    result = run(shop, 1)

    kept = story(shop, result.run_id)
    assert [5, 1, 5] == [len(check["sample"]) for check in kept.checks if check["sample"]]
    assert {"amount": 51, "order_id": 51, "email": "***"} == kept.checks[0]["sample"][0]
    assert [{"order_id": "***"}] == kept.checks[1]["sample"]
    assert "@example.com" not in "".join([repr(kept), caplog.text, str(result), news(shop, result.run_id).text])


def test_samples_of_a_stage_hide_what_may_be_sensitive_under_another_name(shop):
    stages = [{"rename": {"email": "contact"}}, {"check": {"unique": "amount"}}, {"check": {"row_count": {"max": 1}}}]
    write(shop, transform={"orders": [{"derive": {"amount": "1"}}, *stages]})

    result = run(shop, 1)

    assert "***" == story(shop, result.run_id).checks[0]["sample"][0]["contact"]
    assert "@example.com" not in repr(story(shop, result.run_id))


BREAKS = """
from dataflow import CheckResult


def orders(ctx, orders):
    yield CheckResult("first", True)
    raise ValueError("half-way")
"""


def test_a_function_that_breaks_half_way_keeps_what_it_judged_and_is_no_pass(shop):
    write(shop, validate={"orders": [{"not_null": "order_id"}]}, validation=BREAKS)

    result = run(shop, 1)

    assert "failed" == result.status
    assert "ValueError: half-way" in result.error
    checks = [(check["name"], check["status"]) for check in story(shop, result.run_id).checks]
    assert [("not_null_order_id", "passed"), ("first", "passed"), ("validation:orders", "error")] == checks


@pytest.mark.parametrize("body", ["return None", "yield from ()"])
def test_a_function_that_yields_nothing_is_no_pass(shop, body):
    write(shop, validate={}, validation=f"def orders(ctx, orders):\n    {body}\n")

    result = run(shop, 1)

    assert "failed" == result.status
    assert "yielded no CheckResult; yield one for each check, also for those that pass" in result.error


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ('return CheckResult("some", True)', "returned CheckResult; .*: write `yield` for `return`"),
        ("return True", r"returned bool; .*: yield CheckResult\(name, passed\)"),
        ("return 0", r"returned int; .*: yield CheckResult\(name, passed\)"),
        ("return orders.filter('amount < 0')", "returned DuckDBPyRelation; "),
    ],
)
def test_a_function_that_returns_its_result_is_told_to_yield_it_and_where_it_stands(shop, caplog, body, told):
    write(shop, validate={}, validation=f"from dataflow import CheckResult\n\ndef orders(ctx, orders):\n    {body}\n")

    result = run(shop, 1)

    place = "include/workflows/shop/validation.py:3: validation:orders"
    assert "failed" == result.status
    assert re.search(f"^.*{place} {told}", result.error), result.error
    assert "authored_checks.py" not in result.error + caplog.text


def test_a_check_that_could_not_be_judged_is_told_where_it_only_warns(shop):
    write(shop, validate={"orders": [{"sql": "select amount + 'x' as n from orders order by n", "on_fail": "warn"}]})

    result = run(shop, 1)

    assert "success" == result.status
    assert "error" == story(shop, result.run_id).checks[0]["status"]
    told = news(shop, result.run_id, "success")
    assert "anomaly" in told.events
    assert "could not be evaluated" in told.details[0]

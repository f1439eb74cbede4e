from __future__ import annotations

import sys

import pytest

from dataflow.errors import ConfigError, InputError
from dataflow.loading.load import load_workflow
from kit.effort import effort
from kit.project import MOCK_CONFIG, Project

PYTHON_SOURCE = {"description": "x", "owner": "x", "sources": {"orders": {"type": "python"}}}


def told(project: Project, name: str) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_workflow(project.root, name)
    return [str(problem).removeprefix(f"include/workflows/{name}/") for problem in raised.value.problems]


def test_a_healthy_workflow_is_loaded_whole(project: Project) -> None:
    project.write_workflow("events")

    workflow = project.workflow("events")

    assert "events" == workflow.name
    assert ["ingest.events", "transform.events", "publish"] == [task.id for task in workflow.plan.tasks]
    assert ("events",) == workflow.published_tables
    assert 16 == len(workflow.config_hash)


def test_the_hash_is_of_what_the_config_says_not_of_how_it_is_written(project: Project) -> None:
    project.write_workflow("events")
    before = project.workflow("events").config_hash
    config = project.folder("events") / "config.yaml"

    config.write_text("# a comment\n" + config.read_text())
    commented = project.workflow("events").config_hash
    config.write_text(config.read_text() + "retries: 7\n")

    assert before == commented
    assert before != project.workflow("events").config_hash


def test_models_are_found_in_subfolders_and_sorted(project: Project) -> None:
    project.write_workflow("events")
    project.write_model("events", "daily_events", "select 1")
    project.write_model("events", "base/clean_events", "select 1")
    project.write_file("dbt/models/events/models.yml", "version: 2\n")

    workflow = project.workflow("events")

    assert ("clean_events", "daily_events") == workflow.models
    assert "dbt" in [task.id for task in workflow.plan.tasks]


def test_a_workflow_that_is_not_there_is_the_callers_mistake(project: Project) -> None:
    project.write_workflow("events")

    with pytest.raises(InputError, match=r"there is no workflow 'evnts'; did you mean 'events'\?"):
        load_workflow(project.root, "evnts")


def test_an_environment_is_no_path(project: Project) -> None:
    project.write_workflow("events")

    with pytest.raises(InputError, match="is no name"):
        load_workflow(project.root, "events", environment="../other/config")


@pytest.mark.parametrize("name", ["Events", "e", "9events", "my-events", "x" * 64])
def test_a_folder_that_cannot_name_a_workflow_is_told(project: Project, name: str) -> None:
    project.write_workflow(name)

    assert "cannot name a workflow; rename it" in told(project, name)[0]


@pytest.mark.parametrize("name", ["main", "temp", "pg_catalog", "information_schema", "system", "staging_events"])
def test_a_folder_named_like_a_schema_is_told(project: Project, name: str) -> None:
    project.write_workflow(name)

    assert told(project, name)[0].endswith("rename the folder")


def test_everything_that_is_wrong_is_told_at_once(project: Project) -> None:
    project.write_workflow(
        "events", "ownr: x\nowner: y\nowner: z\nretries: many\ntitle:\nsources: {events: {type: mok}}\n"
    )

    lines = told(project, "events")

    keys = sorted(line.split(": ")[1] for line in lines)
    assert ["description", "owner", "ownr", "retries", "sources.events.type", "title"] == keys


def test_team_code_is_never_imported(project: Project) -> None:
    code = "raise SystemExit('imported')\n\n\ndef orders(ctx):\n    yield []\n"
    project.write_workflow("shop", PYTHON_SOURCE, ingestion=code)

    assert "shop" == project.workflow("shop").name
    assert "ingestion" not in sys.modules


@pytest.mark.parametrize(
    ("body", "windowed"),
    [
        ("yield [ctx.settings]", False),
        ("yield [ctx.window.start]", True),
        ("yield [ctx.partition_key]", True),
        ("yield from read(ctx)", True),
        ("yield from read(context=ctx)", True),
        ("yield from count(ctx)", False),
        ("yield from count(ctx.window)", True),
    ],
)
def test_whether_a_function_reads_the_window_is_seen_in_its_code(project: Project, body: str, windowed: bool) -> None:
    code = (
        f"def orders(ctx):\n    {body}\n\n\n"
        "def read(context):\n    yield [context.cursor]\n\n\n"
        "def count(ctx):\n    yield [1]\n"
    )
    project.write_workflow("shop", {**PYTHON_SOURCE, "start_date": "2025-01-01"}, ingestion=code)

    source = project.workflow("shop").spec.sources["orders"]

    assert windowed is getattr(source, "windowed", None)


def test_a_function_is_followed_through_imports_beside_the_config(project: Project) -> None:
    project.write_workflow(
        "shop",
        {**PYTHON_SOURCE, "start_date": "2025-01-01"},
        ingestion="from .reading import read as orders\n",
        reading="def read(ctx):\n    yield [ctx.window]\n",
    )

    assert getattr(project.workflow("shop").spec.sources["orders"], "windowed", None) is True


def test_imports_in_a_circle_are_followed_no_further(project: Project) -> None:
    project.write_workflow(
        "shop", PYTHON_SOURCE, ingestion="from .other import orders\n", other="from .ingestion import orders\n"
    )

    assert "sources.orders.windowed: whether the rows of orders() depend" in told(project, "shop")[0]


FILES = {
    "orders": {"type": "file", "path": "orders.csv", "format": "csv", "columns": {"order_id": "BIGINT"}},
    "customers": {"type": "file", "path": "customers.csv", "format": "csv", "columns": {"order_id": "BIGINT"}},
}


def test_what_each_output_reads_orders_the_transforms(project: Project) -> None:
    config = {
        "description": "x",
        "owner": "x",
        "sources": FILES,
        "transform": {
            "report": [{"sql": "select * from orders join batch.customers using (order_id)"}],
            "orders": [{"python": "orders"}],
        },
    }
    project.write_workflow("shop", config, transform="def orders(ctx, orders, customers):\n    return orders\n")

    workflow = project.workflow("shop")

    expected = {"report": frozenset({"orders", "batch.customers"}), "orders": frozenset({"customers"})}
    assert expected == workflow.reads
    transforms = [task.table for task in workflow.plan.tasks if task.kind == "transform"]
    assert ["customers", "orders", "report"] == transforms


def test_a_table_that_only_validation_py_judges_has_a_validate_task(project: Project) -> None:
    project.write_workflow("events", MOCK_CONFIG, validation="def events(ctx, events):\n    yield None\n")

    assert "validate.events" in [task.id for task in project.workflow("events").plan.tasks]


TWENTY_LINES = """
description: Made-up events, one batch a day.
owner: tests
tags: [a, b]
schedule: "@daily"
start_date: 2025-01-01
retries: 2
sources:
  events:
    type: mock
    rows: 5
    columns:
      event_id: BIGINT
      kind: VARCHAR
      happened_at: TIMESTAMPTZ
validate:
  events:
    - not_null: [event_id]
    - unique: event_id
load:
  events: {mode: append}
"""


def test_a_config_of_twenty_lines_is_loaded_in_no_time(project: Project) -> None:
    """A house of 1,000 is read every 30 s; the bound leaves room for a busy machine."""
    project.write_workflow("events", TWENTY_LINES)
    project.workflow("events")

    def seconds() -> float:
        with effort() as twenty:
            for _ in range(20):
                project.workflow("events")
        return twenty.seconds / 20

    assert min(seconds() for _ in range(10)) < 0.001


HEAD = "description: x\nowner: x\nstart_date: 2025-01-01\n"
MOCK = "sources: {orders: {type: mock, columns: {order_id: BIGINT}}}\n"
MANY = 6_000


@pytest.mark.parametrize(
    "config",
    [
        HEAD + MOCK + "".join(f"k{n}: 1\n" for n in range(MANY)),
        HEAD + "sources:\n" + "".join(f"  orders{n}: {{type: fil}}\n" for n in range(MANY)),
        HEAD + "sources: {orders: {type: mock, columns: {" + "".join(f"c{n}: BIGNT, " for n in range(MANY)) + "}}}\n",
        HEAD
        + "sources: {orders: {type: mock, columns: {" + "".join(f"c{n}: INT, " for n in range(MANY)) + "}}}\n"
        + "validate: {orders: [{not_null: [" + "".join(f"d{n}, " for n in range(MANY)) + "]}]}\n",
        HEAD
        + f"{MOCK}transform:\n"
        + "".join(f"  t{n}: [{{sql: from t{n + 1}}}]\n" for n in range(MANY))
        + f"  t{MANY}: [{{sql: from t0}}]\n",
        HEAD + "sources: {orders: {type: mock, columns: {order_id: '" + "(" * 100_000 + "'}}}\n",
        HEAD + "sources: {orders: {type: mock, columns: {order_id: 'a" + " " * 100_000 + "!'}}}\n",
        HEAD + "title: '" + "{{" * 50_000 + "${" * 50_000 + "'\n" + "sources: {orders: {type: file, path: '{{'}}\n",
        HEAD + "schedule: '" + "* " * 100_000 + f"'\n{MOCK}",
        HEAD + "schedule: '0-59/1,*,*,* 1 31 2 *'\n" + MOCK,
    ],
    ids=["keys", "sources", "types", "columns", "cycle", "parentheses", "spaces", "braces", "fields", "never"],
)  # fmt: skip
def test_a_huge_config_is_judged_quickly(project: Project, config: str) -> None:
    project.write_workflow("events", config)

    with effort() as loading:
        lines = told(project, "events")

    assert loading.seconds < 2
    assert 1 <= len(lines) <= 200


def test_a_long_chain_of_outputs_is_no_recursion(project: Project) -> None:
    chain = "".join(f"  t{n}: [{{sql: from t{n + 1}}}]\n" for n in range(2_000))
    config = f"{HEAD}{MOCK}transform:\n{chain}  t2000: [{{sql: from orders}}]\n"
    project.write_workflow("events", config)

    tasks = [task.table for task in project.workflow("events").plan.tasks if task.kind == "transform"]

    assert ["orders", "t2000", "t1999"] == tasks[:3]


def test_a_module_of_a_thousand_branches_is_no_recursion(project: Project) -> None:
    branches = "".join(f"elif x == {n}:\n    pass\n" for n in range(900))
    calls = "".join(f"def f{n}(ctx):\n    return f{n + 1}(ctx)\n" for n in range(900))
    code = f"x = 1\nif x == -1:\n    pass\n{branches}{calls}def f900(ctx):\n    return ctx.window\n"
    project.write_workflow(
        "shop", {**PYTHON_SOURCE, "start_date": "2025-01-01"}, ingestion=code.replace("f0(", "orders(")
    )

    assert "cannot be seen" in told(project, "shop")[0]

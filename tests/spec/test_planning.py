from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from dataflow.spec.plan import Plan
from dataflow.spec.planning import build_plan
from dataflow.spec.workflow import WorkflowSpec

MOCK = {"type": "mock", "columns": {"row_id": "BIGINT"}}


def plan_of(*steps: Any, sources: tuple[str, ...] = ("orders", "customers"), has_models: bool = False) -> Plan:
    config = {"name": "shop", "description": "x", "owner": "x", "sources": dict.fromkeys(sources, MOCK)}
    spec = WorkflowSpec.model_validate({**config, "steps": steps, "validate": {"orders": [{"unique": "row_id"}]}})
    return build_plan(spec, has_models=has_models, reads={})


def after(plan: Plan) -> dict[str, set[str]]:
    return {task.id: set(task.after) for task in plan.tasks}


def test_a_word_alone_stands_for_what_no_other_step_lists() -> None:
    plan = after(plan_of({"ingest": ["orders"]}, {"gate": "enough"}, "ingest", "validate"))

    assert {
        "ingest.orders": set(),
        "enough": {"ingest.orders"},
        "ingest.customers": {"enough"},
        "validate.orders": {"ingest.customers"},
    } == plan


def test_a_choice_ends_in_a_join_also_where_a_branch_is_empty() -> None:
    plan = after(plan_of({"choice": "full", "when": "is_full", "then": [{"run": "a"}, {"run": "b"}]}, "publish"))

    assert {
        "full": set(),
        "then.a": {"full"},
        "then.b": {"then.a"},
        "full.join": {"then.b", "full"},
        "publish": {"full.join"},
    } == plan


def test_a_dbt_group_after_a_choice_waits_for_its_join() -> None:
    choice = {"choice": "route", "branches": {"weekly": [{"run": "w"}], "monthly": [{"run": "m"}]}}

    plan = after(plan_of(choice, "dbt", has_models=True))

    assert {"route.join"} == plan["dbt"]
    assert {"weekly.w", "monthly.m"} == plan["route.join"]


def test_branches_of_a_parallel_all_end_before_what_follows() -> None:
    plan = after(plan_of({"parallel": {"left": [{"run": "a"}], "right": [{"run": "b"}, {"run": "c"}]}}, "publish"))

    assert {"left.a": set(), "right.b": set(), "right.c": {"right.b"}, "publish": {"left.a", "right.c"}} == plan


def test_task_ids_are_those_that_people_type() -> None:
    ways = {"when": "params.full_refresh", "then": [{"run": "rebuild"}], "else": [{"run": "increment"}]}
    branches = {"weekly": [{"run": "weekly"}], "monthly": [{"run": "monthly"}]}
    plan = plan_of(
        "ingest",
        {"gate": "enough_rows"},
        "validate",
        {"choice": "full_refresh", **ways},
        {"parallel": {"left": [{"run": "a"}], "right": [{"run": "pipelines.clean:b"}, {"run": "b", "name": "again"}]}},
        "transform",
        "dbt",
        {"choice": "route", "branches": branches},
        {"approve": {"subject": "Publish?"}},
        "publish",
        {"trigger": {"workflow": "shop_report"}},
        sources=("orders",),
        has_models=True,
    )

    assert [
        "ingest.orders",
        "enough_rows",
        "validate.orders",
        "full_refresh",
        "then.rebuild",
        "else.increment",
        "full_refresh.join",
        "left.a",
        "right.b",
        "right.again",
        "transform.orders",
        "dbt",
        "route",
        "weekly.weekly",
        "monthly.monthly",
        "route.join",
        "approve",
        "publish",
        "trigger.shop_report",
    ] == [task.id for task in plan.tasks]


def test_ids_of_a_nested_choice_begin_with_its_branches() -> None:
    inner = {"choice": "deep", "when": "is_deep", "then": [{"run": "dig"}]}

    plan = plan_of({"choice": "full", "when": "is_full", "then": [inner], "else": [{"run": "b"}]})

    assert ["full", "then.deep", "then.then.dig", "then.deep.join", "else.b", "full.join"] == [
        task.id for task in plan.tasks
    ]


def test_the_way_not_taken_is_skipped_with_all_that_is_nested_in_it() -> None:
    inner = {"choice": "deep", "when": "is_deep", "then": [{"run": "dig"}]}
    plan = plan_of({"choice": "full", "when": "is_full", "then": [inner], "else": [{"run": "b"}]}, {"run": "c"})
    choice = plan.find("full")

    assert choice is not None
    assert ("then.deep", "then.then.dig", "then.deep.join") == plan.skipped_by(choice, taken="else")


def test_everything_behind_a_gate_follows_it_and_a_parallel_branch_does_not() -> None:
    plan = plan_of({"parallel": {"left": [{"gate": "ok"}, {"run": "a"}], "right": [{"run": "b"}]}}, {"run": "c"})

    assert ("left.a", "c") == plan.following("left.ok")
    assert {"left.ok", "left.a", "right.b"} == plan.before("c")


def test_only_a_task_that_may_skip_others_is_said_to() -> None:
    plan = plan_of(
        {"gate": "firm"},
        {"gate": "soft", "otherwise": "skip"},
        {"choice": "how", "when": "is_full", "then": ["dbt"]},
        {"approve": {"subject": "Well?"}},
        has_models=True,
    )

    skippable = {task.id: plan.skippable_by(task) for task in plan.tasks}
    assert {"firm": (), "soft": ("how", "dbt", "how.join", "approve"), "how": ("dbt",), "approve": ()}.items() <= (
        skippable.items()
    )


def test_steps_of_one_kind_that_are_apart_are_drawn_in_no_group() -> None:
    plan = plan_of({"ingest": ["orders"]}, {"run": "a"}, "ingest")
    together = plan_of("ingest", {"run": "a"})

    assert () == next(task.groups for task in plan.tasks if task.id == "ingest.orders")
    assert ["ingest"] == [group.id for group in together.tasks[0].groups]


def test_two_parallels_with_branches_of_one_name_are_two_groups() -> None:
    plan = plan_of({"parallel": {"left": [{"run": "a"}]}}, {"parallel": {"left": [{"run": "b"}]}})

    groups = [task.groups[0] for task in plan.tasks]
    assert groups[0].id != groups[1].id
    assert groups[0].label == groups[1].label == "left"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"run": "a", "gate": "b"}, "found run and gate"),
        ({"name": "abc"}, "found none"),
        ("run", "'run' alone is no step"),
        ({"gate": "a", "with": {"b": 1}}, "`with` belongs to `run`"),
        ({"ingest": ["orders"], "name": "read"}, "`name` belongs to run, gate, approve, trigger"),
        ({"choice": "full", "when": "a"}, "a choice has either"),
        ({"choice": "full", "then": [{"run": "a"}]}, "a choice has either"),
    ],
)
def test_a_step_that_is_none_is_refused(step: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        plan_of(step)


def test_what_is_published_of_a_config_reads_back_as_the_same_steps() -> None:
    steps = ["ingest", {"choice": "full", "when": "params.a", "else": [{"run": "a", "with": {"b": [1]}}]}, "publish"]
    config = {"name": "shop", "description": "x", "owner": "x", "sources": {"orders": MOCK}, "steps": steps}
    spec = WorkflowSpec.model_validate(config)

    assert spec == WorkflowSpec.from_public(spec.public())

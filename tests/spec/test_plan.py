from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dataflow.spec.plan import Plan
from dataflow.spec.planning import build_plan
from dataflow.spec.workflow import WorkflowSpec


def spec_of(*sources: str, **more: object) -> WorkflowSpec:
    mock = {"type": "mock", "columns": {"row_id": "BIGINT"}}
    return WorkflowSpec.model_validate(
        {"name": "shop", "description": "x", "owner": "x", "sources": dict.fromkeys(sources, mock), **more}
    )


def after(plan: Plan) -> dict[str, set[str]]:
    return {task.id: set(task.after) for task in plan.tasks}


def test_every_source_is_ingested_before_anything_is_validated() -> None:
    checks = {"orders": [{"unique": "row_id"}]}

    plan = after(build_plan(spec_of("orders", "customers", validate=checks), has_models=False, reads={}))

    assert {"ingest.orders", "ingest.customers"} == plan["validate.orders"]
    assert {"validate.orders"} == plan["transform.orders"] == plan["transform.customers"]
    assert {"transform.orders", "transform.customers"} == plan["publish"]


def test_what_a_run_waits_for_comes_first_and_is_numbered_as_messages_number_it() -> None:
    waiting = [{"file": "_SUCCESS"}, {"http": "https://example.com/ready"}]

    plan = after(build_plan(spec_of("orders", wait_for=waiting), has_models=False, reads={}))

    assert (set(), set()) == (plan["wait_for.0"], plan["wait_for.1"])
    assert {"wait_for.0", "wait_for.1"} == plan["ingest.orders"]


def test_models_are_built_between_loading_and_publishing() -> None:
    plan = after(build_plan(spec_of("orders"), has_models=True, reads={}))

    assert ({"transform.orders"}, {"dbt"}) == (plan["dbt"], plan["publish"])


def test_a_batch_is_read_without_waiting_for_its_load() -> None:
    reads = {"orders": frozenset({"batch.customers"})}

    plan = after(build_plan(spec_of("orders", "customers"), has_models=False, reads=reads))

    assert "transform.customers" not in plan["transform.orders"]


def test_a_source_that_python_judges_is_validated() -> None:
    plan = after(build_plan(spec_of("orders"), has_models=False, reads={}, python_checked=("orders",)))

    assert "validate.orders" in plan


TABLES = tuple("abcdefgh")


@given(st.permutations(TABLES), st.sets(st.tuples(st.sampled_from(TABLES), st.sampled_from(TABLES))))
def test_every_task_stands_after_all_that_it_waits_for(order: list[str], pairs: set[tuple[str, str]]) -> None:
    """Reads from a later letter to an earlier one make no cycle, in whatever order the tables are written."""
    reads = {table: frozenset(f"t{read}" for by, read in pairs if by == table and read < by) for table in TABLES}
    spec = spec_of(*(f"t{table}" for table in order))

    plan = build_plan(spec, has_models=True, reads={f"t{table}": named for table, named in reads.items()})

    seen: set[str] = set()
    for task in plan.tasks:
        assert set(task.after) <= seen
        seen.add(task.id)
    assert {f"transform.t{table}" for table in TABLES} <= seen

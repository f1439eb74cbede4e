"""A workflow's dbt models as a group of Airflow tasks, drawn by Cosmos from the compiled manifest.

By default one task, the watcher's producer, runs ``dbt build`` for the group and every model and test has a task
that watches for its result. A watching task that is tried again or cleared runs dbt for its own model.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from dataflow.factory.dbt_in_task import RunInProcess, trust_only_this_pass
from dataflow.factory.retries import NeverRetry
from dataflow.modelling.environment import PROFILE, dbt_constants, dbt_target
from dataflow.modelling.manifest import manifest_path

if TYPE_CHECKING:
    from cosmos.airflow.task_group import DbtTaskGroup

    from dataflow.loading.workflow import Workflow
    from dataflow.settings import Settings
    from dataflow.spec.steps import Step

__all__ = ["GROUP_ID", "POOL", "dbt_group"]

GROUP_ID = "dbt"

POOL = "warehouse"
"""One slot: whoever is in it runs dbt for long. It spares worker slots; the lock is what guards the file."""

RETRIES = 2
"""At least. A watching task's first try fails on what the producer reported, and the next ones run dbt themselves:
that is how a group goes on after its producer was killed, and how one that failed is cleared."""

RETRY_DELAY = timedelta(seconds=5)
"""Nothing is gained by waiting: each try takes the warehouse's lock, and waits for that."""

POLL_SECONDS = 1


def dbt_group(workflow: Workflow, settings: Settings, *, step: Step | None = None) -> DbtTaskGroup:
    """Make the group ``dbt`` of the DAG in whose ``with`` block this is called; its manifest must be there.

    What the step says of ``timeout`` and ``retries`` holds for each of its tasks.

    Task ids are ``dbt.<model>.run`` and ``dbt.<model>.test`` for a tested model, ``dbt.<model>_run`` for another,
    and two of the producer.
    """
    from cosmos.airflow.task_group import DbtTaskGroup
    from cosmos.config import ExecutionConfig, ProfileConfig, ProjectConfig, RenderConfig
    from cosmos.constants import ExecutionMode, InvocationMode, LoadMode, TestBehavior

    spec = workflow.spec
    watcher = spec.dbt.execution == "watcher"
    group = DbtTaskGroup(
        group_id=GROUP_ID,
        project_config=ProjectConfig(
            dbt_project_path=settings.dbt_project,
            manifest_path=manifest_path(settings, workflow),
            env_vars=dbt_constants(workflow),
            install_dbt_deps=False,
        ),
        profile_config=ProfileConfig(
            profile_name=PROFILE,
            target_name=dbt_target(settings),
            profiles_yml_filepath=settings.dbt_project / "profiles.yml",
        ),
        execution_config=ExecutionConfig(
            execution_mode=ExecutionMode.WATCHER if watcher else ExecutionMode.LOCAL,
            invocation_mode=InvocationMode.DBT_RUNNER,
            # Cosmos's producer never builds twice. Another try of it would only wait in the pool to be skipped, while
            # the others spend theirs on its old report.
            setup_operator_args={"pool": POOL, "retries": 0, "pre_execute": None} if watcher else None,
        ),
        render_config=RenderConfig(
            load_method=LoadMode.DBT_MANIFEST,
            test_behavior=TestBehavior(spec.dbt.tests),
            emit_datasets=False,
            enable_owner_inheritance=False,
        ),
        operator_args=_operator_arguments(workflow, settings, step=step) | ({} if watcher else {"pool": POOL}),
    )
    if watcher:
        _let_the_producer_fail(group)
    if spec.dbt.tests == "after_each":
        _place_tests_of_many(group)
    elif spec.dbt.tests == "after_all" and watcher:
        group.tasks_map[f"{settings.dbt_project.stem}_test"].pool = POOL
    return group


def _operator_arguments(workflow: Workflow, settings: Settings, *, step: Step | None) -> dict[str, Any]:
    """Give what every task of the group is made with, whatever it does."""
    spec = workflow.spec
    arguments: dict[str, Any] = {
        "interceptors": [RunInProcess(workflow, settings)],
        "full_refresh": full_refresh_of(workflow),
        "retries": max(RETRIES, spec.retries if step is None or step.retries is None else step.retries),
        "retry_delay": RETRY_DELAY,
        "retry_exponential_backoff": 0,  # Airflow's factor; 0 leaves the pause as it is
        "poke_interval": POLL_SECONDS,
        "pre_execute": trust_only_this_pass,
    }
    if step is not None and step.timeout is not None:
        arguments["execution_timeout"] = step.timeout
    if spec.never_retry:
        arguments["retry_policy"] = NeverRetry(spec.never_retry)
    return arguments


def full_refresh_of(workflow: Workflow) -> bool | str:
    """Give the flag, or the template that Airflow renders to ``True`` or ``False`` and Cosmos reads as such."""
    chosen = workflow.spec.dbt.full_refresh
    if chosen is None:
        param = workflow.spec.params.get("full_refresh")
        chosen = "params.full_refresh" if param is not None and param.type == "boolean" else False
    return chosen if isinstance(chosen, bool) else "{{ " + chosen + " }}"


def _let_the_producer_fail(group: DbtTaskGroup) -> None:
    """Let the group go on after its producer failed: whether it succeeds is for the models and tests to say.

    What fails without a model, a task of none, is refused by ``dataflow dbt compile``.
    """
    from cosmos.constants import PRODUCER_WATCHER_DONE_TASK_ID, PRODUCER_WATCHER_TASK_ID

    group.tasks_map[PRODUCER_WATCHER_DONE_TASK_ID].trigger_rule = "all_done"
    producer = group.tasks_map[PRODUCER_WATCHER_TASK_ID]
    # Cosmos's own callbacks write what the producer reported into an Airflow variable, for the try that is not made.
    producer.on_failure_callback = []
    producer.on_retry_callback = []


def _place_tests_of_many(group: DbtTaskGroup) -> None:
    """Let a test of several models run with the last of them, where a task runs its model's tests itself.

    Cosmos gives such a test to each of its models. With the first of them it would judge a table that the run has
    not built yet. "Last" is by one order of all models, so the edges that this adds close no circle.
    """
    nodes = group.dbt_graph.filtered_nodes
    order = {unique_id: place for place, unique_id in enumerate(_in_order(nodes))}
    left_out: dict[str, set[str]] = {}
    for node in nodes.values():
        models = sorted((model for model in node.depends_on if model in order), key=lambda model: order[model])
        if node.resource_type.value != "test" or len(models) < 2:
            continue
        last = models[-1]
        for model in models[:-1]:
            left_out.setdefault(model, set()).add(node.resource_name.split(".")[0])
            tests = group.tasks_map[last].children[f"{GROUP_ID}.{nodes[last].name}.test"]
            _run_task(group, model).set_downstream(tests)
    for model, names in left_out.items():
        tests = group.tasks_map[model].children[f"{GROUP_ID}.{nodes[model].name}.test"]
        tests.exclude = " ".join(sorted(names))


def _run_task(group: DbtTaskGroup, model: str) -> Any:
    name = group.dbt_graph.filtered_nodes[model].name
    return next(task for id_, task in group.tasks_map[model].children.items() if id_ != f"{GROUP_ID}.{name}.test")


def _in_order(nodes: Mapping[str, Any]) -> list[str]:
    """Give the models, each after those that it is made of; the same for the same models."""
    ordered: dict[str, None] = {}

    def place(unique_id: str) -> None:
        if unique_id in ordered:
            return
        for parent in sorted(nodes[unique_id].depends_on):
            if parent in nodes:
                place(parent)
        ordered[unique_id] = None

    for unique_id in sorted(nodes):
        if nodes[unique_id].resource_type.value != "test":
            place(unique_id)
    return list(ordered)

"""Check one workflow as a whole: what its parts say of each other, of its modules and of its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice

from dataflow.errors import Problem
from dataflow.loading.messages import problem_at
from dataflow.loading.rules.checks import checks_are_sound
from dataflow.loading.rules.columns import columns_are_well_named, columns_exist
from dataflow.loading.rules.contracts import contracts_are_sound
from dataflow.loading.rules.functions import (
    functions_fit,
    python_checked_tables,
    tables_read_by,
    with_windowed_sources,
)
from dataflow.loading.rules.notify import notices_are_sound
from dataflow.loading.rules.params import param_defaults_fit
from dataflow.loading.rules.quarantine import quarantined_rows_are_known
from dataflow.loading.rules.retries import never_retried_errors_exist
from dataflow.loading.rules.schedule import assets_exist, schedule_is_sound
from dataflow.loading.rules.secrets import secrets_are_references
from dataflow.loading.rules.settings import settings_class_is_there
from dataflow.loading.rules.sources import sources_are_sound
from dataflow.loading.rules.step_functions import outputs_are_given, step_functions_fit
from dataflow.loading.rules.steps import steps_are_in_order, steps_are_well_formed
from dataflow.loading.rules.subject import Finding, Subject
from dataflow.loading.rules.tables import (
    is_loaded_safely,
    publish_and_dbt_are_sound,
    reads_have_no_cycle,
    reads_of,
    tables_exist,
)
from dataflow.loading.rules.texts import texts_are_sound
from dataflow.loading.rules.types import types_are_known
from dataflow.loading.rules.values import values_fit_types
from dataflow.loading.rules.waiting import awaited_things_are_sound
from dataflow.loading.yaml_document import MAX_PROBLEMS, Node
from dataflow.spec.plan import Plan
from dataflow.spec.planning import build_plan
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Checked", "crosscheck", "problems_of_texts"]

RULES: tuple[Callable[[Subject], Iterable[Finding | Problem]], ...] = (
    settings_class_is_there,
    functions_fit,
    columns_are_well_named,
    types_are_known,
    checks_are_sound,
    sources_are_sound,
    secrets_are_references,
    contracts_are_sound,
    quarantined_rows_are_known,
    schedule_is_sound,
    assets_exist,
    param_defaults_fit,
    never_retried_errors_exist,
    notices_are_sound,
    awaited_things_are_sound,
    publish_and_dbt_are_sound,
    steps_are_well_formed,
    step_functions_fit,
)
"""What is asked of every spec whose shape is right, whatever else is wrong with it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A spec with what was found out about it."""

    spec: WorkflowSpec
    """With what its modules say filled in."""
    reads: dict[str, frozenset[str]]
    plan: Plan
    """Without tasks where something is wrong."""
    problems: tuple[Problem, ...]


def crosscheck(subject: Subject, root: Node) -> Checked:
    """Run every rule on a spec whose shape is right."""
    found: list[Finding | Problem] = []
    plan = Plan(())
    subject = _with_windowed(subject, found)
    python = {
        stage.python: tables_read_by(subject.modules, stage.python)
        for transform in subject.spec.transform.values()
        for stage in transform.stages
        if stage.python is not None
    }
    reads = reads_of(subject, python=python)
    missing_tables = list(islice(tables_exist(subject), MAX_PROBLEMS))
    for rule in RULES:
        found += islice(rule(subject), MAX_PROBLEMS)
    found += islice(subject.modules.problems(), MAX_PROBLEMS)
    found += missing_tables
    python_checked = python_checked_tables(subject.spec, subject.modules)
    if not missing_tables:  # the rest takes every table for granted
        found += islice(reads_have_no_cycle(subject, reads), MAX_PROBLEMS)
        found += islice(columns_exist(subject), MAX_PROBLEMS)
        found += islice(values_fit_types(subject), MAX_PROBLEMS)
        found += islice(is_loaded_safely(subject, reads), MAX_PROBLEMS)
    if not found:  # a plan is made of what is sound
        plan = build_plan(subject.spec, has_models=bool(subject.models), reads=reads, python_checked=python_checked)
        if subject.spec.steps is not None and not plan.tasks:
            hint = "give sources, or a step such as run"
            found.append(Finding(("steps",), "no step has anything to do", hint, on_key=True))
        found += islice(steps_are_in_order(subject, plan, reads, python_checked), MAX_PROBLEMS)
        if not found:
            found += islice(outputs_are_given(subject, plan), MAX_PROBLEMS)
    return Checked(subject.spec, reads, plan, _placed(found, root))


def problems_of_texts(root: Node) -> tuple[Problem, ...]:
    """Check templates and references, also of a config whose shape is wrong."""
    return _placed(islice(texts_are_sound(root), MAX_PROBLEMS), root)


def _with_windowed(subject: Subject, found: list[Finding | Problem]) -> Subject:
    sources = {}
    for each in with_windowed_sources(subject):
        if isinstance(each, Finding):
            found.append(each)
        else:
            sources[each[0]] = each[1]
    if not sources:
        return subject
    spec = subject.spec.model_copy(update={"sources": {**subject.spec.sources, **sources}})
    return replace(subject, spec=spec)


def _placed(found: Iterable[Finding | Problem], root: Node) -> tuple[Problem, ...]:
    return tuple(
        each
        if isinstance(each, Problem)
        else problem_at(root, each.steps, each.message, hint=each.hint, on_key=each.on_key)
        for each in found
    )

"""Check one workflow as a whole: what its parts say of each other, of its modules and of its neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
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
from dataflow.loading.sound_part import SoundPart, said_until_broken
from dataflow.loading.yaml_document import MAX_PROBLEMS, Node
from dataflow.spec.plan import Plan
from dataflow.spec.planning import build_plan
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Checked", "crosscheck", "problems_beside", "problems_of_texts"]

Rules = tuple[Callable[[Subject], Iterable[Finding | Problem]], ...]

RULES: Rules = (
    settings_class_is_there,
    columns_are_well_named,
    columns_exist,
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
)
"""What is asked of every spec whose shape is right, whatever else is wrong with it."""
RULES_OF_STEPS: Rules = (steps_are_well_formed, functions_fit, step_functions_fit)
"""So are these; and nobody asks in what order steps come that break them."""
RULES_OF_ENTRIES: Rules = (columns_are_well_named, types_are_known, sources_are_sound)
"""Those of all that judge a source, a stage or a check for itself."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A spec with what was found out about it."""

    spec: WorkflowSpec
    """With what its modules say filled in."""
    reads: dict[str, frozenset[str]]
    plan: Plan
    """Without tasks where its tables or steps are wrong."""
    problems: tuple[Problem, ...]


def crosscheck(subject: Subject, root: Node) -> Checked:
    """Run every rule on a spec whose shape is right; those of steps and loads wait for what they take for granted."""
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
    python_checked = python_checked_tables(subject.spec, subject.modules)
    missing_tables = list(islice(tables_exist(subject), MAX_PROBLEMS))
    for rule in RULES_OF_STEPS:
        found += islice(rule(subject), MAX_PROBLEMS)
    found += missing_tables
    if not missing_tables:  # these take every table for granted
        found += islice(reads_have_no_cycle(subject, reads), MAX_PROBLEMS)
        found += islice(is_loaded_safely(subject, reads), MAX_PROBLEMS)
    if not found and not any(subject.modules.problems()):  # a plan is made of sound tables and steps
        plan = build_plan(subject.spec, has_models=bool(subject.models), reads=reads, python_checked=python_checked)
        found += islice(_plan_is_sound(subject, plan, reads, python_checked), MAX_PROBLEMS)
    for rule in RULES:
        found += islice(rule(subject), MAX_PROBLEMS)
    if not missing_tables:
        found += islice(values_fit_types(subject), MAX_PROBLEMS)
    found += islice(subject.modules.problems(), MAX_PROBLEMS)
    return Checked(subject.spec, reads, plan, _placed(found, root))


def _plan_is_sound(
    subject: Subject, plan: Plan, reads: dict[str, frozenset[str]], python_checked: tuple[str, ...]
) -> Iterator[Finding | Problem]:
    """Check what steps need of each other; who reads whose output, only where their order is right."""
    is_in_order = True
    if subject.spec.steps is not None and not plan.tasks:
        is_in_order = False
        yield Finding(("steps",), "no step has anything to do", "give sources, or a step such as run", on_key=True)
    for each in steps_are_in_order(subject, plan, reads, python_checked):
        is_in_order = False
        yield each
    if is_in_order:
        yield from outputs_are_given(subject, plan)


def problems_beside(part: SoundPart, subject: Subject, root: Node) -> tuple[Problem, ...]:
    """Run the rules on what is sound of a spec whose shape is wrong elsewhere.

    Args:
        part: What is sound of it.
        subject: Its project, models and modules; its own spec is not looked at.
        root: The config.
    """
    found: list[Finding | Problem] = []
    for rule in (*RULES, *RULES_OF_STEPS, tables_exist):
        spec = part.by_entry() if rule in RULES_OF_ENTRIES else part.as_spec()
        found += islice(said_until_broken(partial(rule, replace(subject, spec=spec))), MAX_PROBLEMS)
    return _placed(found, root)


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

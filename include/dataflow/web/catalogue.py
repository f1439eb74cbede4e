"""Put together what a caller may see: workflows from the serialized DAGs, problems from Airflow's import errors."""

from __future__ import annotations

from collections.abc import Iterable

from dataflow.errors import Problem, TransientError
from dataflow.quarantine.corrections import count_corrections
from dataflow.registry import PublishedWorkflow, read_published
from dataflow.spec.params import param_schema
from dataflow.spec.schedule_text import schedule_text
from dataflow.spec.tables import base_source
from dataflow.spec.workflow import WorkflowSpec
from dataflow.web.airflow_access import DagFacts, Rights, dag_facts, import_error_texts
from dataflow.web.answers import (
    ProblemAnswer,
    SourceAnswer,
    TableAnswer,
    WorkflowAnswer,
    WorkflowsAnswer,
)
from dataflow.web.detail_answers import WorkflowDetail
from dataflow.web.owners import workflow_of
from dataflow.web.stories import known_history, measured_figures, open_records
from dataflow.web.written import describe_sources, describe_tables

__all__ = ["healthy_spec", "visible_detail", "visible_problems", "visible_workflow", "visible_workflows"]


def visible_workflows(rights: Rights) -> WorkflowsAnswer:
    """Give every workflow that the caller may read, broken ones with their last good spec, and every problem."""
    facts = dag_facts(rights.readable())
    published = read_published({dag_id: fact.carried for dag_id, fact in facts.items()}, import_error_texts())
    shown = {
        dag_id: workflow
        for dag_id, workflow in sorted(published.workflows.items())
        if workflow.state == "broken" or not facts[dag_id].is_stale
    }
    triggerable = rights.may_trigger(shown)
    workflows = [
        _answer(dag_id, workflow, facts=facts[dag_id], may_trigger=dag_id in triggerable)
        for dag_id, workflow in shown.items()
    ]
    return WorkflowsAnswer(workflows=workflows, problems=_problems(_seen_by(rights, published.problems)))


def visible_workflow(rights: Rights, dag_id: str) -> WorkflowAnswer | None:
    """Give one workflow; None where there is none of that name, or where it is gone."""
    found = _visible(rights, dag_id)
    return found[0] if found else None


def visible_detail(rights: Rights, dag_id: str) -> WorkflowDetail | None:
    """Give as `visible_workflow` does one workflow, with its config and what run history knows of it."""
    found = _visible(rights, dag_id)
    if found is None:
        return None
    answer, spec = found
    quarantine, corrections, measured, problem = None, None, None, ""
    try:
        history = known_history()
        if history is not None:
            quarantine = open_records(history, dag_id, spec=spec if answer.state == "healthy" else None)
            corrections, measured = count_corrections(history, dag_id), measured_figures(history, dag_id)
    except TransientError as error:
        problem = str(error)
    known = answer.model_dump(exclude={"sources", "tables"})
    return WorkflowDetail(
        **known,
        sources=describe_sources(spec),
        tables=describe_tables(spec),
        quarantine=quarantine,
        corrections=corrections,
        measured=measured,
        history_problem=problem,
    )


def healthy_spec(rights: Rights, dag_id: str) -> WorkflowSpec | None:
    """Give what a workflow's config says; None where it is broken or gone."""
    found = _visible(rights, dag_id)
    return found[1] if found and found[0].state == "healthy" else None


def _visible(rights: Rights, dag_id: str) -> tuple[WorkflowAnswer, WorkflowSpec] | None:
    facts = dag_facts([dag_id])
    if dag_id not in facts:
        return None
    published = read_published({dag_id: facts[dag_id].carried}, import_error_texts())
    workflow = published.workflows.get(dag_id)
    if workflow is None or (facts[dag_id].is_stale and workflow.state != "broken"):
        return None
    may_trigger = dag_id in rights.may_trigger([dag_id])
    return _answer(dag_id, workflow, facts=facts[dag_id], may_trigger=may_trigger), workflow.spec


def visible_problems(rights: Rights) -> list[ProblemAnswer]:
    """Give the problems of every workflow that the caller may read."""
    return _problems(_seen_by(rights, read_published({}, import_error_texts()).problems))


def _seen_by(rights: Rights, problems: Iterable[Problem]) -> list[Problem]:
    owned = [(workflow_of(problem), problem) for problem in problems]
    readable = rights.may_read({owner for owner, _ in owned if owner})
    shared = rights.may_read_import_errors()
    return [problem for owner, problem in owned if (owner in readable if owner else shared)]


def _problems(problems: Iterable[Problem]) -> list[ProblemAnswer]:
    return [ProblemAnswer.model_validate(problem) for problem in problems]


def _answer(dag_id: str, workflow: PublishedWorkflow, *, facts: DagFacts, may_trigger: bool) -> WorkflowAnswer:
    spec = workflow.spec
    tables = []
    for table in workflow.tables:
        source = base_source(spec, table)
        columns = spec.sources[source].columns if source else {}
        tables.append(TableAnswer(name=table, columns={name: column.type for name, column in columns.items()}))
    return WorkflowAnswer(
        dag_id=dag_id,
        title=spec.title or dag_id,
        description=spec.description,
        owner=spec.owner,
        domain=spec.domain,
        tags=list(spec.tags),
        state=workflow.state,
        is_paused=facts.is_paused,
        schedule=schedule_text(spec.schedule),
        next_run_after=facts.next_run_after,
        sources=[
            SourceAnswer(name=name, type=source.type, description=source.description)
            for name, source in spec.sources.items()
        ],
        tables=tables,
        models=list(workflow.models),
        published=list(workflow.published_tables),
        params={
            name: {**param_schema(param), "default": param.default, "description": param.description}
            for name, param in spec.params.items()
        },
        runs=list(facts.runs),
        problems=_problems(workflow.problems),
        may_trigger=may_trigger and workflow.state == "healthy",
    )

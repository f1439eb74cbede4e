"""Lint a project's healthy workflows: everything that can be told before a run, beyond what a parse tells."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from dataflow.errors import Problem
from dataflow.linting.authored_sql import AuthoredSql, sql_in
from dataflow.linting.broken import broken_among, not_told_yet, spec_of
from dataflow.linting.credentials import credentials_are_references
from dataflow.linting.dag_ids import problems_of_dag_ids
from dataflow.linting.dbt_models import problems_of_models
from dataflow.linting.environments import problems_of_environments
from dataflow.linting.loads import something_is_loaded
from dataflow.linting.neighbours import Neighbours
from dataflow.linting.outputs import problems_of_outputs
from dataflow.linting.patterns import patterns_can_be_read
from dataflow.linting.references import references_are_defined
from dataflow.linting.sql_meaning import sql_means_something
from dataflow.linting.sql_syntax import sql_can_be_read
from dataflow.linting.sql_tables import tables_in_sql_exist
from dataflow.linting.uncalled import problems_of_what_is_not_read
from dataflow.linting.unquoted import named_columns
from dataflow.loading.layers import read_defaults, read_layers
from dataflow.loading.messages import problem_at
from dataflow.loading.own_fault import problem_of_ours
from dataflow.loading.rules.checks import all_checks
from dataflow.loading.rules.subject import Finding, Findings
from dataflow.loading.yaml_document import MAX_PROBLEMS
from dataflow.queries import CLOSED

if TYPE_CHECKING:
    import duckdb

    from dataflow.loading.layer import Layer
    from dataflow.loading.workflow import Workflow
    from dataflow.registry import Registry
    from dataflow.settings import Settings
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["lint"]


def lint(
    registry: Registry, settings: Settings, *, variables: Mapping[str, str], names: Collection[str] | None = None
) -> tuple[Problem, ...]:
    """Give what is wrong with the healthy workflows of a project, and what else is with the others; warnings too.

    All of it sorted.

    Args:
        registry: Every workflow of the project.
        settings: Of the installation.
        variables: What ``${NAME}`` may name here: the environment, and what ``.env`` adds.
        names: The workflows to lint, each in all of its environments as far as a parse tells; all by default.
            Their neighbours are looked at all the same.
    """
    neighbours = Neighbours(registry.workflows)
    found: list[Problem] = list(problems_of_dag_ids(settings.project, names or registry.workflows))
    with ExitStack() as closing:
        linter = _Linter(settings, variables, neighbours, closing)
        for name, workflow in registry.workflows.items():
            if names is None or name in names:
                try:
                    found += linter.problems(workflow)
                except Exception as error:  # noqa: BLE001  # a fault of ours must not hide what is wrong elsewhere
                    found.append(problem_of_ours(name, error))
        for name in broken_among(registry.problems, registry.workflows):
            if names is None or name in names:
                found += not_told_yet(linter.problems_though_broken(name), registry.problems)
    found += problems_of_environments(
        settings.project,
        registry.workflows,
        names=names,
        environment=settings.environment,
        defaults=read_defaults(settings.project),
        told=registry.problems,
    )
    return tuple(sorted(found))


class _Linter:
    def __init__(
        self, settings: Settings, variables: Mapping[str, str], neighbours: Neighbours, closing: ExitStack
    ) -> None:
        self._settings = settings
        self._variables = variables
        self._neighbours = neighbours
        self._closing = closing
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._defaults = read_defaults(settings.project)

    def problems(self, workflow: Workflow) -> Iterator[Problem]:
        findings = list(islice(self._findings(workflow), MAX_PROBLEMS))
        if findings:
            yield from self._placed(workflow.name, findings)
        yield from problems_of_outputs(workflow)
        yield from problems_of_what_is_not_read(workflow)
        yield from problems_of_models(workflow, self._settings)

    def problems_though_broken(self, name: str) -> Iterator[Problem]:
        """Give what has nothing to do with why a workflow cannot run, as far as can be known."""
        layer = self._layer(name)
        if layer.root is None:
            return
        spec = spec_of(layer, name)
        if spec is None:
            findings = self._of_texts(layer.root.plain())
        else:
            findings = chain(self._unreadable(spec, list(sql_in(spec))), self._of_the_spec(spec))
        yield from self._placed(name, list(islice(findings, MAX_PROBLEMS)))

    def _findings(self, workflow: Workflow) -> Findings:
        pieces = list(sql_in(workflow.spec))
        if pieces:
            unreadable = list(self._unreadable(workflow.spec, pieces))
            yield from unreadable
            if all(each.severity == "warning" for each in unreadable):
                missing = list(tables_in_sql_exist(workflow, pieces, self._database()))
                yield from missing or sql_means_something(workflow.spec, self._database())
        yield from self._of_the_spec(workflow.spec)
        yield from something_is_loaded(workflow.spec)
        yield from self._neighbours.findings(workflow.name)

    def _unreadable(self, spec: WorkflowSpec, pieces: Sequence[AuthoredSql]) -> Findings:
        if pieces:
            yield from sql_can_be_read(pieces, self._database(), columns=named_columns(spec))

    def _of_the_spec(self, spec: WorkflowSpec) -> Findings:
        patterns = [
            ((*steps, "regex", "pattern"), check.regex.pattern) for steps, _, check in all_checks(spec) if check.regex
        ]
        if patterns:
            yield from patterns_can_be_read(patterns, self._database())
        yield from self._of_texts(spec.public())

    def _of_texts(self, config: Mapping[str, Any]) -> Findings:
        yield from references_are_defined(config, self._variables)
        yield from credentials_are_references(config)

    def _database(self) -> duckdb.DuckDBPyConnection:
        """Open DuckDB once, and only where there is SQL: importing it takes longer than most projects."""
        if self._connection is None:
            import duckdb

            self._connection = self._closing.enter_context(duckdb.connect(config=CLOSED))
        return self._connection

    def _layer(self, name: str) -> Layer:
        return read_layers(
            self._settings.project, name, environment=self._settings.environment, defaults=self._defaults
        )

    def _placed(self, name: str, findings: list[Finding]) -> Iterator[Problem]:
        layer = self._layer(name)
        if layer.root is None:
            return  # somebody changes it at this moment
        for each in findings:
            problem = problem_at(layer.root, each.steps, each.message, hint=each.hint, on_key=each.on_key)
            yield replace(problem, severity=each.severity)

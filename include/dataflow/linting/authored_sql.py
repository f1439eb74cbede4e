"""Every piece of SQL that an author wrote into a config, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from dataflow.loading.rules.subject import Steps
from dataflow.spec.checks import Check
from dataflow.spec.sources import DatabaseSource
from dataflow.spec.transforms import Stage
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["AuthoredSql", "Form", "sql_in"]

Form = Literal["query", "expression", "order", "foreign"]
_TEMPLATE = re.compile(r"\{\{.*?\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class AuthoredSql:
    """One piece of SQL."""

    steps: Steps
    text: str
    form: Form
    """A whole query, an expression that stands in one of ours, what follows ORDER BY, or a query in another database's
    own words, its templates left out."""


def sql_in(spec: WorkflowSpec) -> Iterator[AuthoredSql]:
    """Give the queries and expressions of its sources, checks and stages, in the order written."""
    for name, source in spec.sources.items():
        if isinstance(source, DatabaseSource) and source.query is not None:
            yield AuthoredSql(("sources", name, "query"), _TEMPLATE.sub("NULL", source.query), "foreign")
    for table, checks in spec.validate_.items():
        for index, check in enumerate(checks):
            yield from _in_check(("validate", table, index), check)
    for table, transform in spec.transform.items():
        for index, stage in enumerate(transform.stages):
            yield from _in_stage(("transform", table, "stages", index), stage)


def _in_check(steps: Steps, check: Check) -> Iterator[AuthoredSql]:
    if check.sql is not None:
        yield AuthoredSql((*steps, "sql"), check.sql, "query")
    if check.where is not None:
        yield AuthoredSql((*steps, "where"), check.where, "expression")


def _in_stage(steps: Steps, stage: Stage) -> Iterator[AuthoredSql]:
    if stage.sql is not None:
        yield AuthoredSql((*steps, "sql"), stage.sql, "query")
    if stage.filter is not None:
        yield AuthoredSql((*steps, "filter"), stage.filter, "expression")
    for column, expression in (stage.derive or {}).items():
        yield AuthoredSql((*steps, "derive", column), expression, "expression")
    if stage.deduplicate is not None and stage.deduplicate.order_by is not None:
        yield AuthoredSql((*steps, "deduplicate", "order_by"), stage.deduplicate.order_by, "order")
    if stage.check is not None:
        yield from _in_check((*steps, "check"), stage.check)

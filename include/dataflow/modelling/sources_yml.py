"""A workflow's loaded tables as dbt sources: the text of ``dbt/models/<name>/_sources.yml``."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from dataflow.modelling.columns import SourceColumn, columns_of
from dataflow.spec.checks import Freshness
from dataflow.spec.tables import base_source, tables_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["FILE_NAME", "render_sources"]

FILE_NAME = "_sources.yml"


def render_sources(spec: WorkflowSpec) -> str:
    """Write every loaded table with what its config says of it: columns, types, descriptions, freshness.

    A table whose last stages are SQL or Python is listed without columns, because only running them tells.
    """
    lines = [
        f"# Written by `dataflow dbt compile` from include/workflows/{spec.name}/config.yaml; do not edit.",
        "version: 2",
        "sources:",
        "  - name: staging",
        f"    schema: staging_{spec.name}",
        f"    description: {_text(f'The tables that the workflow {spec.name} loads.')}",
        "    tables:",
    ]
    for table in tables_of(spec):
        lines.extend(_table(spec, table))
    return "\n".join(lines) + "\n"


def _table(spec: WorkflowSpec, table: str) -> Iterator[str]:
    yield f"      - name: {table}"
    source = base_source(spec, table)
    if source is not None and spec.sources[source].description:
        yield f"        description: {_text(spec.sources[source].description)}"
    columns = columns_of(spec, table)
    yield from _freshness(spec, table, columns)
    if columns:
        yield "        columns:"
        for name, column in columns.items():
            yield from _column(name, column)


def _column(name: str, column: SourceColumn) -> Iterator[str]:
    yield f"          - name: {_text(name)}"
    yield "            quote: true"
    if column.type is not None:
        yield f"            data_type: {_text(column.type)}"
    if column.description:
        yield f"            description: {_text(column.description)}"


def _freshness(spec: WorkflowSpec, table: str, columns: dict[str, SourceColumn] | None) -> Iterator[str]:
    for check in spec.validate_.get(table, ()):
        if check.freshness is None or (columns is not None and check.freshness.column not in columns):
            continue
        level = "error_after" if check.on_fail == "error" else "warn_after"
        yield "        config:"
        yield f"          loaded_at_field: {_text(_quoted(check.freshness.column))}"
        yield f"          freshness: {{{level}: {_age(check.freshness)}}}"
        return


def _age(freshness: Freshness) -> str:
    for period, length in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
        if not freshness.max_age % length:
            return f"{{count: {freshness.max_age // length}, period: {period}}}"
    return f"{{count: {freshness.max_age // timedelta(minutes=1) + 1}, period: minute}}"


def _quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _text(value: str) -> str:
    # JSON's string is YAML's too. dbt renders every string as Jinja, so braces of the config are kept from it.
    jinja = any(mark in value for mark in ("{{", "{%", "{#"))
    raw = "{% raw %}" + value.replace("{% endraw %}", "") + "{% endraw %}" if jinja else value
    return json.dumps(raw, ensure_ascii=False)

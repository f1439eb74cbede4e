"""Whether the tables that the SQL of a config names are there when a run comes to it.

A check of `validate` sees batches of sources, by their bare names; a stage sees what its table's `sql` and `python`
stages read, and the batch that it starts from as ``batch.<source>``. DuckDB's own reading of a query tells what it
names: what a WITH defines is none of them, nor is a function.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from dataflow.identifiers import literal
from dataflow.linting.authored_sql import AuthoredSql
from dataflow.linting.sql_syntax import AROUND
from dataflow.loading.rules.subject import Finding, Findings
from dataflow.near_miss import did_you_mean, known_words
from dataflow.spec.checks import Check
from dataflow.spec.tables import base_source, tables_named_in_sql, tables_of, transform_of

if TYPE_CHECKING:
    import duckdb

    from dataflow.loading.workflow import Workflow

__all__ = ["tables_in_sql_exist"]

_NAMING = re.compile(r"\b(?:from|join|table|pivot|unpivot|summarize|describe|show)\b", re.IGNORECASE)
_FROM_ONE = re.compile(r"\bfrom\s+([a-z_][a-z0-9_]*)\b(?!\s*[.(\"'])[^,]*\Z", re.IGNORECASE)
_OF_DUCKDB = frozenset({"information_schema", "pg_catalog", "main", "temp", "memory", "system"})
"""Schemas and databases that every connection has."""


def tables_in_sql_exist(
    workflow: Workflow, pieces: Iterable[AuthoredSql], connection: duckdb.DuckDBPyConnection
) -> Findings:
    """Refuse names of tables that mean nothing where they stand; the syntax of the pieces is right."""
    duckdbs_own: frozenset[str] | None = None
    for piece in pieces:
        if piece.form == "foreign" or not _NAMING.search(piece.text):
            continue
        seen = _seen_by(workflow, piece)
        if seen is None or _reads_one_of(seen, piece.text):
            continue
        named = [name for name in _named_in(piece, connection) if ".".join(name).lower() not in seen]
        if named and duckdbs_own is None:
            duckdbs_own = frozenset(
                str(row[0])
                for row in connection.execute("SELECT view_name FROM duckdb_views() WHERE internal").fetchall()
            )
        for name in named:
            is_own = name[0].lower() in _OF_DUCKDB if len(name) > 1 else name[0].lower() in (duckdbs_own or ())
            if not is_own:
                yield _not_there(workflow, piece, name, seen)


def _reads_one_of(seen: frozenset[str], text: str) -> bool:
    """Tell quickly of what most checks are, a SELECT from the table itself."""
    one = _FROM_ONE.search(text) if len(_NAMING.findall(text)) == 1 else None
    return one is not None and one.group(1).lower() in seen


def _seen_by(workflow: Workflow, piece: AuthoredSql) -> frozenset[str] | None:
    """Give the tables that a piece of SQL may name, in lower case; None where code of the author's may add others."""
    spec, table = workflow.spec, str(piece.steps[1])
    sources = frozenset(spec.sources)
    if piece.steps[0] == "validate":
        checks: tuple[Check, ...] = spec.validate_[table]
        named = (tables_named_in_sql(check.sql, sources) for check in checks if check.sql)
        return frozenset({table}).union(_looked_up(checks) & sources, *(each & sources for each in named))
    stages = transform_of(spec, table).stages
    index = int(piece.steps[3])
    if any(stage.python for stage in stages[:index]):
        return None
    looked_up = _looked_up(stage.check for stage in stages if stage.check)
    seen = {*workflow.reads.get(table, ()), *(looked_up - {table}), *(f"batch.{name}" for name in looked_up & sources)}
    source = base_source(spec, table)
    if source is not None:
        seen.add(f"batch.{source}")
    if piece.steps[4] in ("sql", "check") and (source is not None or index):
        seen.add(table)
    return frozenset(seen)


def _looked_up(checks: Iterable[Check]) -> frozenset[str]:
    return frozenset(check.relationships.to.partition(".")[0] for check in checks if check.relationships)


def _named_in(piece: AuthoredSql, connection: duckdb.DuckDBPyConnection) -> list[tuple[str, ...]]:
    """Give the tables that DuckDB reads in it, each as its schema, if it has one, and its name."""
    import duckdb

    text = AROUND[piece.form].format(piece.text)
    try:
        row = connection.execute(f"SELECT json_serialize_sql({literal(text)}, skip_null := true)").fetchone()
        tree = json.loads(row[0]) if row is not None else {}
    except (duckdb.Error, RecursionError):
        return []  # only a run can tell
    found: dict[tuple[str, ...], None] = {}
    defined: set[str] = set()
    for node in _nodes(tree):
        if node.get("type") == "BASE_TABLE":
            parts = (node.get("catalog_name"), node.get("schema_name"), node["table_name"])
            found[tuple(str(part) for part in parts if part)] = None
        defined.update(str(each["key"]).lower() for each in node.get("cte_map", {}).get("map", ()))
    return sorted(name for name in found if len(name) > 1 or name[0].lower() not in defined)


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left += node.values()
        elif isinstance(node, list):
            left += node


def _not_there(workflow: Workflow, piece: AuthoredSql, parts: tuple[str, ...], seen: frozenset[str]) -> Finding:
    spec = workflow.spec
    name = ".".join(parts)
    lower = name.lower()
    tables, bare = tables_of(spec), lower.removeprefix("batch.")
    message = f"there is no table '{name}' here"
    if bare not in tables:
        near = did_you_mean(lower, sorted(seen | {each for each in tables if piece.form == "query"}))
        abroad = "read it by a source of type: published" if len(parts) > 1 and bare == lower else ""
        return Finding(piece.steps, message, near or abroad or known_words(lower, seen, what="there are"))
    if piece.form != "query" or piece.steps[4:5] == ("check",):
        return Finding(
            piece.steps, message, "`sql` and `python` stages read other tables, and `sql` checks in `validate`"
        )
    if piece.steps[0] == "validate" and bare in seen:
        return Finding(piece.steps, message, f"in `validate` the batch is called {bare}")
    if piece.steps[0] == "validate" and bare not in spec.sources:
        hint = "`validate` sees batches of sources, write a `check` stage behind a `sql` stage that reads it"
        return Finding(piece.steps, message, hint)
    if lower == piece.steps[1]:
        return Finding(piece.steps, message, "it has no rows yet, give `from: <source>`")
    return Finding(piece.steps, message, "write its name right behind FROM, JOIN or a comma, without quotes")

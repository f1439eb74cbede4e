"""Values as a person would write them into a config or a model: in quotes only where they must be."""

from __future__ import annotations

import re
from functools import cache

import yaml

from dataflow.identifiers import quote

__all__ = ["in_sql", "in_yaml"]


def in_yaml(value: str | bool) -> str:
    """Write a text, or a truth, as YAML reads it back."""
    flow = yaml.safe_dump([value], default_flow_style=True, width=10_000, allow_unicode=True).strip()
    return flow[1:-1]


def in_sql(name: str) -> str:
    """Write a column's name as DuckDB reads it back."""
    return name if re.fullmatch(r"[a-z_][a-z0-9_]*", name) and name not in _reserved_words() else quote(name)


@cache
def _reserved_words() -> frozenset[str]:
    import duckdb

    query = "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
    with duckdb.connect() as connection:
        return frozenset(word for (word,) in connection.execute(query).fetchall())

"""``tables: [a, b]`` of a database source becomes a source for each, so that whoever comes later sees ordinary ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from dataflow.errors import Problem
from dataflow.loading.messages import problem_at, shown
from dataflow.loading.yaml_document import Node
from dataflow.spec.base import NAME_PATTERN

__all__ = ["with_source_tables"]

_NAME = re.compile(NAME_PATTERN.replace("$", r"\Z"))


def with_source_tables(root: Node) -> tuple[Node, tuple[Problem, ...]]:
    """Give the config with a source for each table, named by the last part of the table's name, in lower case.

    What cannot be one stays, for the model to judge, or is left out and told.
    """
    sources = root.at(("sources",))
    if sources is None or not isinstance(sources.value, dict) or not any(map(_tables, sources.value.values())):
        return root, ()
    made: dict[str, Node] = {}
    problems: list[Problem] = []
    taken = {name for name, source in sources.value.items() if not _tables(source)}
    for name, source in sources.value.items():
        tables = _tables(source)
        if not tables:
            made[name] = source
            continue
        if (columns := source.at(("columns",))) is not None and columns.value:
            message = "each of the tables has its own columns"
            problems.append(problem_at(root, ("sources", name, "columns"), message, hint=_ALONE, on_key=True))
        for index, table in enumerate(tables):
            given, problem = _name_of(table, taken)
            if problem:
                problems.append(problem_at(root, ("sources", name, "tables", index), problem, hint=_ALONE))
                continue
            taken.add(given)
            made[given] = _alone(source, table)
    inner = dict(root.value) if isinstance(root.value, dict) else {}
    return replace(root, value={**inner, "sources": replace(sources, value=made)}), tuple(problems)


_ALONE = "give it a source of its own, with `table`"


def _tables(source: Node) -> list[Node]:
    """Give the tables of a source that can be read as one for each."""
    if not isinstance(source.value, dict) or "table" in source.value or "query" in source.value:
        return []
    kind, tables = source.at(("type",)), source.at(("tables",))
    if kind is None or kind.value != "database" or tables is None or not isinstance(tables.value, list):
        return []
    return tables.value if all(isinstance(table.value, str) and table.value for table in tables.value) else []


def _name_of(table: Node, taken: set[str]) -> tuple[str, str]:
    """Give the source's name, and what is wrong with it."""
    name = str(table.value).rpartition(".")[2].lower()
    if not _NAME.match(name):
        rule = "2 to 63 lower case letters, digits and _, a letter first"
        return name, f"{shown(str(table.value))} gives a source no name ({rule})"
    return name, f"there is another source '{name}'" if name in taken else ""


def _alone(source: Node, table: Node) -> Node:
    inner = dict(_items(source))
    return Node({**inner, "table": table}, table.path, table.line, table.column, table.key_line, table.key_column)


def _items(source: Node) -> Iterator[tuple[str, Node]]:
    for key, value in source.value.items() if isinstance(source.value, dict) else ():
        if key not in ("tables", "columns"):
            yield key, value

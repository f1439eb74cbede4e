"""Hand-written DAGs that bear the name of a workflow: Airflow would keep one of the two, and not say which."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Collection, Iterator
from pathlib import Path

from dataflow.errors import Problem
from dataflow.loading.files import UnreadableFile, read_file
from dataflow.paths import relative_name

__all__ = ["problems_of_dag_ids"]

MAX_BYTES = 1024 * 1024


def problems_of_dag_ids(project: Path, workflows: Collection[str]) -> Iterator[Problem]:
    """Find each DAG in ``dags/`` whose id is written there and is that of a workflow; the files are not imported."""
    for file in sorted((project / "dags").rglob("*.py")):
        path = relative_name(project, file)
        for dag_id, node in _dag_ids(project, path):
            if dag_id in workflows:
                message = f"the workflow '{dag_id}' is a DAG of this id already"
                yield Problem(path, node.lineno, node.col_offset + 1, "", message, "give one of them another name")


def _dag_ids(project: Path, path: str) -> Iterator[tuple[str, ast.expr]]:
    try:
        content = read_file(project, path, limit=MAX_BYTES) or b""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Airflow tells them where it runs the file
            tree = ast.parse(content)
    except (UnreadableFile, SyntaxError, ValueError, RecursionError, MemoryError):
        return  # Airflow itself tells of a file that it cannot read
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in ("DAG", "dag"):
            named = [each.value for each in node.keywords if each.arg == "dag_id"]
            for value in [*named, *node.args[:1]]:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.value, value


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")

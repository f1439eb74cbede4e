"""``dataflow workflow test``: the standard suite and a workflow's own tests, in one pytest."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from dataflow.cli.console import err, out, print_json, seconds
from dataflow.cli.project import chosen, open_project
from dataflow.errors import DataflowError
from dataflow.loading.workflow import Workflow

__all__ = ["run_tests"]

MARKS = {"passed": "[green]ok[/green]", "failed": "[red]failed[/red]", "skipped": "[yellow]skipped[/yellow]"}
FAILED = 2
NO_OUTCOMES = "pytest gave no outcomes; this is what it said:"


def run_tests(
    name: Annotated[str, typer.Argument(help="The workflow.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Test a workflow: what must hold for each (functions, docstrings, models, idempotency), and its own tests."""
    _, registry = open_project(only=name)
    workflow = chosen(registry, name)
    with err.status(f"Testing {name} ..."):
        outcomes = _outcomes(workflow)
    rows = [_row(each, workflow) for each in outcomes]
    if as_json:
        print_json(rows)
    else:
        _print(name, rows)
    if any(row["outcome"] == "failed" for row in rows):
        raise typer.Exit(FAILED)


def _outcomes(workflow: Workflow) -> list[dict[str, Any]]:
    """Run both in one pytest, in a process of its own: tests may leave anything behind."""
    tests = workflow.folder / "tests"
    with tempfile.TemporaryDirectory(prefix="dataflow-test-") as folder:
        file = Path(folder, "outcomes.json")
        command = [sys.executable, "-m", "pytest", "-p", "dataflow.testing.plugin", "-p", "dataflow.testing.suite"]
        command += ["-p", "no:cacheprovider", "--import-mode=importlib", f"--dataflow-outcomes={file}"]
        command += [f"--rootdir={workflow.project}", str(workflow.folder / "config.yaml")]
        command += [str(tests)] if tests.is_dir() else []
        done = subprocess.run(command, cwd=workflow.project, capture_output=True, text=True, check=False)  # noqa: S603 - our own interpreter
        outcomes: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    if not outcomes:
        raise DataflowError(f"{NO_OUTCOMES}\n{done.stdout[-3_000:]}{done.stderr[-3_000:]}")
    return outcomes


def _row(outcome: dict[str, Any], workflow: Workflow) -> dict[str, Any]:
    file, _, test = outcome["test"].partition("::")
    standard = file.endswith("config.yaml")
    suite = "standard" if standard else "own"
    message = outcome["message"].replace(f"{workflow.project}/", "")
    return {"suite": suite, "test": test if standard else f"{Path(file).name}::{test}"} | {
        "outcome": outcome["outcome"],
        "seconds": outcome["seconds"],
        "message": message,
        "node": outcome["test"],
    }


def _print(name: str, rows: list[dict[str, Any]]) -> None:
    width = max(len(row["test"]) for row in rows)
    for row in rows:
        out.print(f"{MARKS[row['outcome']]:<22} {escape(row['test'].ljust(width))}  {seconds(row['seconds'])}")
        if row["outcome"] == "failed":
            for line in row["message"].splitlines():
                out.print(f"        {line}", markup=False)
    failed = [row for row in rows if row["outcome"] == "failed"]
    took = seconds(sum(row["seconds"] for row in rows))
    out.print(f"\n{name}: {len(rows) - len(failed)} of {len(rows)} passed in {took}", markup=False)
    own = [row["node"] for row in failed if row["suite"] == "own"]
    if own:
        out.print(f"All of a failure: python -m pytest {own[0]}", markup=False)

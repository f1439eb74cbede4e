"""A few rows that a check refused, for the person who runs a workflow in its sandbox."""

from __future__ import annotations

from typing import Any

from dataflow.cli.console import emit
from dataflow.quality.outcome import CheckOutcome
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["FailingRows"]

MASKED = "***"


class FailingRows:
    """Keeps what the checks of one run refused, and shows it at the end. Call it with each check's outcome."""

    def __init__(self, spec: WorkflowSpec) -> None:
        declared = [column for source in spec.sources.values() for column in source.columns.items()]
        sensitive = {name.lower() for name, column in declared if getattr(column, "sensitive", False)}
        # Where something is sensitive, a column of another name may be it, renamed or derived: it is not shown.
        self._open = {name.lower() for name, _ in declared} - sensitive if sensitive else None
        self._found: list[tuple[str, CheckOutcome]] = []

    def __call__(self, table: str, outcome: CheckOutcome) -> None:
        """Keep the outcome if it has rows to show."""
        if outcome.sample and outcome.status != "passed":
            self._found.append((table, outcome))

    def rows(self) -> list[dict[str, Any]]:
        """Give them for a program to read."""
        return [
            {"table": table, "check": outcome.name, "rows": self._masked(outcome)} for table, outcome in self._found
        ]

    def show(self) -> None:
        """Print them."""
        for table, outcome in self._found:
            title = f"\n{table}, {outcome.name}: {outcome.message}"
            emit(self._masked(outcome), as_json=False, empty="", title=title, is_data=True)

    def _masked(self, outcome: CheckOutcome) -> list[dict[str, Any]]:
        return [
            {name: value if self._is_open(name) or value is None else MASKED for name, value in row.items()}
            for row in outcome.sample
        ]

    def _is_open(self, name: str) -> bool:
        return self._open is None or name.lower() in self._open

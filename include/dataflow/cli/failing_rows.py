"""A few rows that a check refused, for the person who runs a workflow in its sandbox."""

from __future__ import annotations

from typing import Any

from dataflow.cli.console import emit
from dataflow.quality.outcome import CheckOutcome

__all__ = ["FailingRows"]


class FailingRows:
    """Keeps what the checks of one run refused, and shows it at the end. Call it with each check's outcome.

    What is sensitive is masked in the outcome already.
    """

    def __init__(self) -> None:
        self._found: list[tuple[str, CheckOutcome]] = []

    def __call__(self, table: str, outcome: CheckOutcome) -> None:
        """Keep the outcome if it has rows to show."""
        if outcome.sample and outcome.status != "passed":
            self._found.append((table, outcome))

    def rows(self) -> list[dict[str, Any]]:
        """Give them for a program to read."""
        return [{"table": table, "check": outcome.name, "rows": outcome.sample} for table, outcome in self._found]

    def show(self) -> None:
        """Print them."""
        for table, outcome in self._found:
            title = f"\n{table}, {outcome.name}: {outcome.message}"
            emit(outcome.sample, as_json=False, empty="", title=title, is_data=True)

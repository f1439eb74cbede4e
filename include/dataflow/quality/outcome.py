"""What came of a check."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from dataflow.errors import DataQualityError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CheckOutcome", "Status", "raise_on_failures"]

Status = Literal["passed", "failed", "warned", "quarantined", "error"]


@dataclass(frozen=True, slots=True)
class CheckOutcome:
    """One check, judged. There is no status for "not judged": what cannot be judged is an ``error``."""

    name: str
    kind: str
    columns: tuple[str, ...]
    """The columns that it judges, as the config names them; empty for ``row_count``, ``sql`` and ``python``."""
    status: Status
    """``error``: it could not be evaluated."""
    failures: int
    """Failing rows; 1 for a table-wide check that failed."""
    rows: int
    """Judged rows: those for which ``where`` holds."""
    message: str
    on_fail: Literal["error", "warn", "quarantine"]
    sample: list[dict[str, Any]] = field(default_factory=list)
    """At most five failing rows, their values fit for JSON, and ``***`` for those of sensitive columns."""
    figure: float | None = None
    """Of an anomaly: what was measured, and between what it was expected, as far as that is known."""
    low: float | None = None
    high: float | None = None

    @property
    def fails_task(self) -> bool:
        """Whether the task may not go on."""
        return self.on_fail != "warn" and self.status in ("failed", "error")

    def to_json(self) -> dict[str, Any]:
        """Give it as run history and receipts keep it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "columns": list(self.columns),
            "status": self.status,
            "failures": self.failures,
            "rows": self.rows,
            "message": self.message,
            "on_fail": self.on_fail,
            "sample": self.sample,
        }


def raise_on_failures(table: str, outcomes: Iterable[CheckOutcome]) -> None:
    """Stop where a check failed or could not be evaluated, unless it only warns.

    Raises:
        DataQualityError: with every such check.
    """
    failures = [f"{outcome.name}: {outcome.message}" for outcome in outcomes if outcome.fails_task]
    if failures:
        raise DataQualityError(table, failures)

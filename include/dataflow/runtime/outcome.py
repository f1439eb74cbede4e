"""How a task ended, for the engine that ran it: what it returned, and which tasks must not run now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from dataflow.runtime.receipt import StepReceipt

__all__ = ["TaskOutcome"]


@dataclass(frozen=True, slots=True)
class TaskOutcome:
    """What the engine does next with the run is said here, and the engine does it in its own way."""

    output: dict[str, Any]
    """What later steps read as ``ctx.output("<step>")``, as JSON."""
    rows: int | None = None
    bytes: int | None = None
    """Of the Parquet that was written."""
    skipped: str = ""
    """Why nothing was done, where that is no error."""
    skips: tuple[str, ...] = ()
    """Ids of the tasks that must not run: those of the branches not taken, or all that follow."""
    message: str = ""
    """What was decided."""
    category: str = ""
    """Of a decision to skip the rest: why, in a word, as run history keeps it."""

    @classmethod
    def of_receipt(cls, receipt: StepReceipt) -> Self:
        """Give the outcome of a step of ours."""
        counts = {"quarantined": receipt.quarantined, "corrected as before": receipt.corrected}
        message = ", ".join(f"{n} {'row' if n == 1 else 'rows'} {done}" for done, n in counts.items() if n)
        return cls(
            output=receipt.to_json(),
            rows=receipt.rows,
            bytes=receipt.bytes,
            skipped=receipt.skipped or "",
            message=message,
        )

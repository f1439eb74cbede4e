"""What ``validation.py`` yields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dataflow.errors import FatalError
from dataflow.quality.outcome import CheckOutcome

__all__ = ["CheckResult"]


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The verdict of one check that an author wrote.

    Raises:
        FatalError: when ``passed`` is no verdict, or ``on_fail`` is neither ``error`` nor ``warn``.
    """

    name: str
    """What the check is called in run history."""
    passed: bool
    failures: int = 0
    """How many rows failed, where rows were judged."""
    message: str = ""
    on_fail: Literal["error", "warn"] = "error"
    """``error`` fails the task, ``warn`` records it and goes on."""

    def __post_init__(self) -> None:
        # A missing verdict must not read as "failed, warn" or as "passed": NumPy's booleans are the one guest.
        if not isinstance(self.passed, bool):
            if type(self.passed).__name__ not in {"bool", "bool_"}:
                raise FatalError(f"CheckResult {self.name!r}: `passed` must be True or False, not {self.passed!r}")
            object.__setattr__(self, "passed", bool(self.passed))
        if self.on_fail not in ("error", "warn"):
            raise FatalError(f"CheckResult {self.name!r}: `on_fail` must be 'error' or 'warn', not {self.on_fail!r}")
        object.__setattr__(self, "failures", int(self.failures))

    def to_outcome(self) -> CheckOutcome:
        """Give it as run history keeps it, beside the checks of the config."""
        failed: Literal["failed", "warned"] = "failed" if self.on_fail == "error" else "warned"
        return CheckOutcome(
            name=self.name,
            kind="python",
            columns=(),
            status="passed" if self.passed else failed,
            failures=self.failures,
            rows=0,
            message=self.message or ("passed" if self.passed else "did not pass"),
            on_fail=self.on_fail,
        )

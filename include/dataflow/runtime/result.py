"""What a step of ``steps.py`` returns, and what a whole run ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self

__all__ = ["RunResult", "StepResult"]


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended; built with `ok` or `fail`."""

    succeeded: bool
    output: Mapping[str, Any] = field(default_factory=dict)
    """What later steps read as ``ctx.output("<step>")``: JSON, at most 16 kB."""
    message: str = ""
    category: str = ""

    @classmethod
    def ok(cls, output: Mapping[str, Any] | None = None) -> Self:
        """Say that the step did its work."""
        return cls(succeeded=True, output=output or {})

    @classmethod
    def fail(cls, message: str, category: str = "STEP_ERROR") -> Self:
        """Say that it did not, and under which category run history keeps that."""
        return cls(succeeded=False, message=message, category=category)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    status: Literal["success", "failed", "superseded"]
    run_id: str
    completed_steps: tuple[str, ...]
    """Task ids, in the order in which they ended."""
    failed_step: str | None
    error: str | None
    duration_seconds: float

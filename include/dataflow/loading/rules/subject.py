"""What a rule looks at, and what it finds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dataflow.loading.callables import Modules
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["Finding", "Findings", "Steps", "Subject"]

Steps = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something wrong at one place of a config."""

    steps: Steps
    """Where, as the config model calls it; what a short form stands for need not be written."""
    message: str
    hint: str = ""
    on_key: bool = False
    """It is the key that is wrong, not its value."""
    severity: Literal["error", "warning"] = "error"


Findings = Iterator[Finding]


@dataclass(frozen=True, slots=True)
class Subject:
    """One workflow, as far as it is known before it is complete."""

    spec: WorkflowSpec
    project: Path
    models: tuple[str, ...]
    """Names of its dbt models."""
    modules: Modules
    workflows: frozenset[str] | None
    """Every workflow of the project; None where only this one is read."""

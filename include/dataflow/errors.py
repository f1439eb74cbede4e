"""Every error we raise, as one tree whose branches are what the caller does next.

* DataflowError
  x InputError                 the caller asked for something that is not there; mend the call
  x ConfigError                someone must edit a config.yaml; see `.problems`
  x RunSuperseded              a newer run did this work already; skip the rest, change nothing
  x ServiceError               a program that we started ended, or did not come up; see its log
  x StepError                  a task failed; see `.category`
    - TransientError           retrying may help
      + LockTimeout            the warehouse stayed locked for too long
      + OutOfRoom              memory or a disk did not suffice
    - FatalError               retrying cannot help
      + ContractError          the data breaks its contract (columns, types, keys, cursor)
      + DataQualityError       checks failed; see `.failures`
      + LandingError           landed files are missing or are not what their manifest says
      + TrySuperseded          a later try of the same task began; this one was taken for dead

Errors carry fields and build their own, bounded text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "ConfigError",
    "ContractError",
    "DataQualityError",
    "DataflowError",
    "FatalError",
    "InputError",
    "LandingError",
    "LockTimeout",
    "OutOfRoom",
    "Problem",
    "RunSuperseded",
    "ServiceError",
    "StepError",
    "TransientError",
    "TrySuperseded",
]

MAX_TEXT = 2_000
"""Characters of data-dependent text that one error shows; it ends up in logs and in run history."""


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """One thing that is wrong with one config, at its place, with the way out."""

    path: str
    """Of the file, relative to the project root, with forward slashes."""
    line: int
    column: int
    """Both from 1."""
    key: str
    """Dotted, list items by number: ``validate.orders.2.range``. Empty for the file as a whole."""
    message: str
    hint: str = ""
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        """Give the one line that users see: ``path:line:column: key: message; hint``, warnings called so."""
        place = f"{self.path}:{self.line}:{self.column}: " + ("warning: " if self.severity == "warning" else "")
        key = f"{self.key}: " if self.key else ""
        hint = f"; {self.hint}" if self.hint else ""
        return f"{place}{key}{self.message}{hint}"


class DataflowError(Exception):
    """The root: catch it to catch all of ours."""


class InputError(DataflowError):
    """What the caller asked for does not exist or is not possible; the text says what is.

    The CLI ends with exit code 1, the API answers 404 or 400.
    """


class ConfigError(DataflowError):
    """One or more configs are wrong. The text lists every problem, one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(problems))
        super().__init__(str(self))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.problems,)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class RunSuperseded(DataflowError):
    """The window of this run is already covered by a later, completed run."""

    def __init__(self, run_id: str, by: str) -> None:
        self.run_id = run_id
        self.by = by
        super().__init__(f"run {run_id} is superseded by run {by}: nothing is loaded or published")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.run_id, self.by)


class ServiceError(DataflowError):
    """A program that we started ended, did not come up or gave no answer. The CLI ends with exit code 2."""


class StepError(DataflowError):
    """A task failed. ``category`` is written to ``core_anomalies``."""

    category: str = "STEP_ERROR"

    def __init__(self, message: str, *, category: str | None = None) -> None:
        super().__init__(message[:MAX_TEXT])
        if category is not None:
            self.category = category


class TransientError(StepError):
    """The cause may be gone on the next try; Airflow's ``retries`` apply."""


class LockTimeout(TransientError):
    """Nobody let go of the warehouse within ``DATAFLOW_LOCK_TIMEOUT``."""

    def __init__(self, path: Path, waited_seconds: float, holder: str) -> None:
        self.path = path
        self.waited_seconds = waited_seconds
        self.holder = holder
        super().__init__(
            f"waited {waited_seconds:.1f} s for {path.name}, held by {holder or 'an unknown process'}; "
            "raise DATAFLOW_LOCK_TIMEOUT, or use DuckLake where many write at once"
        )

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.path, self.waited_seconds, self.holder)


class PublishedMeanwhile(TransientError):
    """Another run published the workflow while this one did; nothing of this one is shown."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(f"another run published while {run_id} did; another try publishes after it")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.run_id,)


class OutOfRoom(TransientError):
    """Memory (``DATAFLOW_MEMORY``) or a disk did not suffice; that says nothing about the data."""


class FatalError(StepError):
    """Another try would fail the same way; the task fails at once."""


class ContractError(FatalError):
    """The data is not what the config promises: a column, a type, a key, a cursor."""

    category = "DATA_QUALITY"


class DataQualityError(FatalError):
    """Checks with ``on_fail: error`` failed, or could not be evaluated."""

    category = "DATA_QUALITY"
    MAX_SHOWN = 10

    def __init__(self, table: str, failures: Sequence[str]) -> None:
        self.table = table
        self.failures = tuple(failures)
        shown = list(self.failures[: self.MAX_SHOWN])
        if len(self.failures) > self.MAX_SHOWN:
            shown.append(f"and {len(self.failures) - self.MAX_SHOWN} more")
        super().__init__(f"{table}: {len(self.failures)} failed: " + "; ".join(shown))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.table, self.failures)


class LandingError(FatalError):
    """A landed file is missing, truncated or not the one that its manifest names."""


class TrySuperseded(FatalError):
    """A later try of the same task began: this one was taken for dead, and what it found does not count."""

    def __init__(self, run_id: str, task_id: str, try_number: int, by: int) -> None:
        self.run_id = run_id
        self.task_id = task_id
        self.try_number = try_number
        self.by = by
        began = f"try {by} began" if by > try_number else f"its run began anew under the id {run_id}"
        this = f"try {try_number} of {task_id}"
        super().__init__(f"{this} was taken for dead and {began}: only what that one finds counts")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.run_id, self.task_id, self.try_number, self.by)

"""The checks that an author wrote: the function of ``validation.py`` that is named like the table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataflow.duckdb_memory import lack_of_room
from dataflow.errors import FatalError
from dataflow.masking import masked
from dataflow.paths import relative_name
from dataflow.quality.outcome import CheckOutcome
from dataflow.quality.result import CheckResult
from dataflow.runtime.author_code.modules import author_code, has_module, import_module

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from dataflow.runtime.step import Step

__all__ = ["Authored", "judged_by_author"]


@dataclass
class Authored:
    """What the function yielded until its end, or until it broke."""

    outcomes: list[CheckOutcome] = field(default_factory=list)
    error: Exception | None = None
    """What broke it. The task fails with it, so that `retries` and `never_retry` apply."""


def judged_by_author(step: Step, table: str, *, connection: DuckDBPyConnection) -> Authored:
    """Run the function, where there is one.

    What was not judged never passes: a function that breaks, or that yields nothing, leaves an outcome that says so.

    Raises:
        OutOfRoom: when memory or disk did not suffice; nothing is kept of it, for the data is not to blame.
    """
    authored = Authored()
    function = getattr(import_module(step.workflow, "validation"), table, None) if _has(step) else None
    if function is None:
        return authored
    what = f"validation:{table}"
    try:
        with author_code(step.workflow, what=what, log=step.request.log):
            for result in _results(
                function, function(step.context(table), connection.table(table)), step=step, what=what
            ):
                authored.outcomes.append(_outcome(result, what))
    except Exception as error:  # whatever it is: what was judged until here is kept, then it is raised
        if (lack := lack_of_room(error)) is not None:
            raise lack from error
        authored.error = error
        authored.outcomes.append(_unjudged(what, f"broke after {_counted(authored)}: {masked(str(error))}"))
    if not authored.outcomes:
        message = "yielded no CheckResult; yield one for each check, also for those that pass"
        authored.outcomes.append(_unjudged(what, message))
    return authored


def _has(step: Step) -> bool:
    return has_module(step.workflow, "validation")


def _results(function: Callable[..., Any], given: object, *, step: Step, what: str) -> Iterable[object]:
    """Give what there is to go through; a result that is returned is told where its function stands."""
    if given is None:
        return ()
    if isinstance(given, Iterable):
        return given
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = f"{relative_name(step.workflow.project, Path(code.co_filename))}:{code.co_firstlineno}: " if code else ""
    mend = "write `yield` for `return`" if isinstance(given, CheckResult) else "yield CheckResult(name, passed)"
    raise FatalError(
        f"{place}{what} returned {type(given).__name__}; a check function yields a CheckResult for each check: {mend}"
    )


def _outcome(result: Any, what: str) -> CheckOutcome:
    if not isinstance(result, CheckResult):
        raise FatalError(f"{what} yielded {type(result).__name__}; yield CheckResult(name, passed)")
    return result.to_outcome()


def _counted(authored: Authored) -> str:
    judged = len(authored.outcomes)
    return f"{judged} check" if judged == 1 else f"{judged} checks"


def _unjudged(what: str, message: str) -> CheckOutcome:
    return CheckOutcome(
        name=what,
        kind="python",
        columns=(),
        status="error",
        failures=0,
        rows=0,
        message=message,
        on_fail="error",
    )

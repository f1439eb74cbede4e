"""The checks that an author wrote: the function of ``validation.py`` that is named like the table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dataflow.duckdb_memory import lack_of_room
from dataflow.errors import FatalError
from dataflow.masking import masked
from dataflow.quality.outcome import CheckOutcome
from dataflow.quality.result import CheckResult
from dataflow.runtime.modules import author_code, has_module, import_module

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
            for result in function(step.context(table), connection.table(table)) or ():
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

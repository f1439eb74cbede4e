"""Take values out of errors, where a workflow has columns that nobody is shown.

Whoever shows a traceback shows all that an error was raised from: so every error of the chain is looked at.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dataflow.errors import DataflowError
from dataflow.sensitive import NOT_SHOWN, sensitive_in_transform, without_values

if TYPE_CHECKING:
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["hide_values", "hide_values_in_author_code"]

ABOUT_CODE = (
    *(NameError, AttributeError, TypeError, ImportError, SyntaxError, NotImplementedError, IndexError),
    *(ArithmeticError, MemoryError, RecursionError, SystemExit),
)
"""Python's own errors whose text tells of code and types, and of no value."""
ABOUT_NETWORK = frozenset({"httpx", "httpcore"})
"""Libraries whose errors tell of addresses."""
OWN_WORDS = ("raise", "assert")


def hide_values(error: Exception, spec: WorkflowSpec) -> None:
    """Take out of an error, and of all that led to it, what DuckDB says of a value; it stays the same error."""
    sensitive = sensitive_in_transform(spec)
    if sensitive.anywhere:
        _emptied(error, sensitive.hides_words_of, {})


def hide_values_in_author_code(
    error: BaseException, spec: WorkflowSpec, is_author: Callable[[str], bool]
) -> BaseException:
    """Take out, too, what Python and libraries say of a value; words that the code raises itself are its author's.

    Args:
        error: What came out of the code.
        spec: Of the workflow.
        is_author: Tells whether a file is the author's.

    Returns:
        The same error; or one of its name, where its own text cannot be taken out.
    """
    sensitive = sensitive_in_transform(spec)
    if not sensitive.anywhere:
        return error
    return _emptied(error, lambda each: sensitive.hides_words_of(each) or _is_of_a_library(each, is_author), {})


def _is_of_a_library(error: BaseException, is_author: Callable[[str], bool]) -> bool:
    import duckdb

    kind = type(error)
    if isinstance(error, (DataflowError, duckdb.Error, OSError)) or kind.__module__.partition(".")[0] in ABOUT_NETWORK:
        return False
    if kind.__module__ == "builtins" and isinstance(error, ABOUT_CODE):
        return False
    frames = traceback.extract_tb(error.__traceback__)
    return not (frames and is_author(frames[-1].filename) and (frames[-1].line or "").startswith(OWN_WORDS))


def _emptied(
    error: BaseException, speaks_of_values: Callable[[BaseException], bool], told: dict[int, BaseException]
) -> BaseException:
    """Give what stands for the error; ``told`` is that of each seen before, for one may be met by several ways."""
    if id(error) in told:
        return told[id(error)]
    told[id(error)] = error
    if speaks_of_values(error):
        error.args = (without_values(error),)
        if hasattr(error, "__notes__"):
            del error.__notes__
        if NOT_SHOWN not in str(error):
            told[id(error)] = _stand_in(error)
            return told[id(error)]
    for link in ("__cause__", "__context__"):
        led_to_it = getattr(error, link)
        # Set anew it would be told as a cause, which a context is not always.
        if led_to_it is not None:
            instead = _emptied(led_to_it, speaks_of_values, told)
            if instead is not led_to_it:
                is_suppressed = error.__suppress_context__
                setattr(error, link, instead)
                error.__suppress_context__ = is_suppressed
    if isinstance(error, BaseExceptionGroup):
        members = [_emptied(each, speaks_of_values, told) for each in error.exceptions]
        if any(new is not old for new, old in zip(members, error.exceptions, strict=True)):
            told[id(error)] = _regrouped(error, members)
    return told[id(error)]


def _regrouped(group: BaseExceptionGroup[Any], members: list[BaseException]) -> BaseException:
    """Give a group of others, for those of a group cannot be set."""
    new = group.derive(members)
    new.__traceback__, new.__cause__, new.__context__ = group.__traceback__, group.__cause__, group.__context__
    new.__suppress_context__ = group.__suppress_context__
    for note in getattr(group, "__notes__", ()):
        new.add_note(note)
    return new


def _stand_in(error: BaseException) -> BaseException:
    """Give an error that is called the same, for `never_retry` goes by the name."""
    kind = type(error)
    return type(kind.__name__, (Exception,), {"__module__": kind.__module__})(NOT_SHOWN)  # type: ignore[no-any-return]

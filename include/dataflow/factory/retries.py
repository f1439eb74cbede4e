"""Errors that are never tried again, as Airflow's retry policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk.definitions.retry_policy import RetryDecision, RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["NeverRetry"]


class NeverRetry(RetryPolicy):
    """Fails a task at once when its error, or what caused it, is of a class that the config names."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,  # noqa: ARG002  # Airflow calls it so
        max_tries: int,  # noqa: ARG002
        context: Any = None,  # noqa: ARG002
    ) -> RetryDecision:
        """Decide in the task's process, which has the error itself."""
        for cause in _causes(exception):
            for name in self.names:
                if any(_is_named(base, name) for base in type(cause).__mro__):
                    return RetryDecision.fail(f"never_retry names {name}")
        return RetryDecision.default()


def _causes(exception: BaseException) -> Iterator[BaseException]:
    """Give the error and what it was raised from: author code's errors arrive inside ours."""
    seen: set[int] = set()
    each: BaseException | None = exception
    while each is not None and id(each) not in seen:
        yield each
        seen.add(id(each))
        each = each.__cause__


def _is_named(kind: type, name: str) -> bool:
    package, _, class_name = name.rpartition(".")
    # A library's class may be defined in a private module: duckdb.IOException in _duckdb.
    defined_in = kind.__module__.partition(".")[0].lstrip("_")
    return kind.__name__ == class_name and (not package or package.partition(".")[0] == defined_in)

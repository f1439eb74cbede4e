"""Event loops that dbt-duckdb leaves open: it makes one in each of its threads that runs a Python model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

__all__ = ["close_event_loops"]

_DONE = "dataflow_closes_event_loops"


def close_event_loops() -> None:
    """Have every Python model of this process find a loop of its thread there, which is closed behind it."""
    from dbt.adapters.duckdb.environments import Environment

    if not hasattr(Environment, _DONE):
        run = Environment.__dict__["run_python_job"].__func__
        Environment.run_python_job = classmethod(_in_a_loop(run))  # type: ignore[assignment, method-assign]
        setattr(Environment, _DONE, True)


def _in_a_loop(run: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(run)
    def running(*given: Any, **named: Any) -> Any:
        with _loop_of_this_thread():
            return run(*given, **named)

    return running


@contextmanager
def _loop_of_this_thread() -> Iterator[None]:
    if threading.current_thread() is threading.main_thread():
        yield
        return
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()

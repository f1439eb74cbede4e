"""What dbt says of errors of models, in its log, its results, and whatever is made of them.

No value where columns are sensitive; and the way out where a model reached further than it may.
"""

from __future__ import annotations

import os
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from dataflow.queries import duckdb_message
from dataflow.sensitive import Sensitive, without_values
from dataflow.warehouse.dbt.own_lines import with_own_line
from dataflow.warehouse.dbt.reach import explain_refusal

__all__ = ["HIDE_VALUES", "tell_errors_in_our_words"]

HIDE_VALUES = "DATAFLOW_HIDE_VALUES"
"""The variable that is set where a workflow has sensitive columns."""

_DONE = "dataflow_tells_errors"
_EVERYTHING = Sensitive(everything=True, anywhere=True)


def tell_errors_in_our_words() -> None:
    """Have dbt-duckdb in this process get errors that say a way out; no values where ``DATAFLOW_HIDE_VALUES`` is set.

    dbt-duckdb takes an error's text in one place, before anybody else sees it; in another that of a Python model, with
    the whole traceback.
    """
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager as Manager
    from dbt.adapters.duckdb.environments import Environment

    if not hasattr(Manager, _DONE):
        Manager.exception_handler = _in_our_words(Manager.exception_handler)  # type: ignore[method-assign]
        run = Environment.__dict__["run_python_job"].__func__
        Environment.run_python_job = classmethod(_python_in_our_words(run))  # type: ignore[assignment, method-assign]
        setattr(Manager, _DONE, True)


def _in_our_words(handler: Callable[..., Any]) -> Callable[..., Any]:
    import duckdb

    @wraps(handler)
    @contextmanager
    def told(*given: Any, **named: Any) -> Iterator[None]:
        with handler(*given, **named):
            try:
                yield
            except duckdb.Error as error:
                if refusal := explain_refusal(str(error)):
                    error.args = (refusal,)
                elif os.environ.get(HIDE_VALUES) and _EVERYTHING.hides_words_of(error):
                    error.args = (f"{type(error).__name__}: {without_values(error)}",)
                else:
                    file, shown = _file_of_node()
                    ran = str(named["sql"] if "sql" in named else given[1])
                    error.args = (with_own_line(str(error), ran=ran, file=file, shown=shown),)
                raise

    return told


def _file_of_node() -> tuple[Path | None, str]:
    """Give the file of the model, snapshot or test that this thread of dbt works on, and its name; None without one."""
    from dbt.adapters.factory import FACTORY
    from dbt_common.events.contextvars import get_node_info

    adapter: Any = FACTORY.adapters.get("duckdb")
    path = get_node_info().get("node_path")
    if adapter is not None and path:
        project = adapter.config
        for folder in (*project.model_paths, *project.snapshot_paths, *project.test_paths):
            file = Path(project.project_root, folder, path)
            if file.is_file():
                return file, f"{folder}/{path}"
    return None, ""


def _python_in_our_words(run: Callable[..., Any]) -> Callable[..., Any]:
    """Add the way out to what dbt tells of a Python model; where values are hidden, tell its class and line alone."""
    from dbt_common.exceptions import DbtRuntimeError

    @wraps(run)
    def told(*given: Any, **named: Any) -> Any:
        try:
            return run(*given, **named)
        except DbtRuntimeError as error:
            if not os.environ.get(HIDE_VALUES):
                if refusal := explain_refusal(str(error.__context__)):
                    error.msg = f"Python model failed: {refusal}\n{error.msg}"
                raise
            words = f"Python model failed: {_of_python(error.__context__ or error)}"
        # Out here, for dbt logs the traceback of an error with all that led to it.
        raise DbtRuntimeError(words)

    return told


def _of_python(error: BaseException) -> str:
    """Tell an error's class and the line of the model, whose code dbt-duckdb runs from a temporary file."""
    import duckdb

    folder = Path(tempfile.gettempdir())
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).parent == folder]
    place = f" in line {lines[-1]}" if lines else ""
    if isinstance(error, duckdb.Error) and not _EVERYTHING.hides_words_of(error):
        words = explain_refusal(str(error)) or duckdb_message(error)
    else:
        words = without_values(error)
    return f"{type(error).__name__}{place}: {words}"

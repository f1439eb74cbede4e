"""Lead a table's rows through its stages."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from dataflow.errors import ContractError, FatalError, TransientError
from dataflow.sensitive import NOTHING_SENSITIVE, Sensitive, without_values
from dataflow.spec.transforms import Stage, TransformBody, stage_kind
from dataflow.transforms.rows import Rows
from dataflow.transforms.stages import STAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from dataflow.interval import Interval
    from dataflow.spec.checks import Check

__all__ = ["apply_stages"]


def apply_stages(
    connection: duckdb.DuckDBPyConnection,
    transform: TransformBody,
    *,
    name: str,
    source: str | None,
    window: Interval,
    python: Callable[[str, str | None], str],
    check: Callable[[Check, str], None],
    entered: Callable[[Stage], None] = lambda _: None,
    sensitive: Sensitive = NOTHING_SENSITIVE,
) -> str:
    """Run the stages in order and give the relation that holds the result: a temporary one, its name without a schema.

    While a `sql`, `python` or `check` stage runs, the table's own name means its rows so far; afterwards it means
    again what it meant before.

    Args:
        connection: Where every table that the stages name is visible; its time zone is UTC.
        transform: The stages.
        name: The output table.
        source: The relation of the batch that the rows start as; None for a table made from others.
        window: The run's.
        python: Calls the author's function, by name, on a relation (None before there are rows), and gives a relation.
        check: Judges a relation; raises where the task may not go on.
        entered: Called with each stage before it runs.
        sensitive: What no error may tell.

    Raises:
        ContractError: when data is not what a stage promises.
        FatalError: when a stage cannot be run as written.
        TransientError: when memory, disk or files failed.
    """
    rows = Rows(connection, name, window, sensitive=sensitive)
    if source is not None:
        _attempt(rows, "its batch", lambda: rows.start_from(source))
    for number, stage in enumerate(transform.stages, start=1):
        where = f"stage {number} ({stage_kind(stage)})"
        entered(stage)
        _run_stage(rows, stage, where=where, python=python, check=check)
    if rows.relation is None:
        raise FatalError(f"{name}: no rows to load; give it a `sql` or `python` stage, or `from: <source>`")
    return rows.relation


def _run_stage(
    rows: Rows,
    stage: Stage,
    *,
    where: str,
    python: Callable[[str, str | None], str],
    check: Callable[[Check, str], None],
) -> None:
    kind = stage_kind(stage)
    if rows.relation is None and kind not in ("sql", "python"):
        raise FatalError(f"{rows.name}: {where}: no rows yet; begin with `sql` or `python`, or give `from: <source>`")
    try:
        if kind == "python":
            _attempt(rows, where, rows.show_as_own_name)
            made = python(str(stage.python), rows.relation)
            _attempt(rows, where, lambda: rows.continue_with(made))
        elif stage.check is not None:
            _attempt(rows, where, rows.show_as_own_name)
            check(stage.check, str(rows.relation))
        else:
            _attempt(rows, where, lambda: STAGES[kind](rows, getattr(stage, kind)))
    finally:
        rows.hide_own_name()


def _attempt(rows: Rows, where: str, work: Callable[[], None]) -> None:
    """Run our own SQL; whatever goes wrong says which table and stage, and which columns there are."""
    import duckdb

    try:
        work()
    except ContractError as error:
        raise ContractError(f"{rows.name}: {where}: {error}") from error.__cause__
    except ValueError as error:
        raise FatalError(f"{rows.name}: {where}: {error}") from None
    except duckdb.InterruptException:
        raise
    except duckdb.Error as error:
        _raise_ours(error, f"{rows.name}: {where}: {rows.sensitive.told(error)}", rows=rows)


def _raise_ours(error: duckdb.Error, text: str, *, rows: Rows) -> NoReturn:
    import duckdb

    # Whoever shows a traceback shows what an error was raised from, with all its words.
    if rows.sensitive.hides_words_of(error):
        error.args = (without_values(error),)
    if isinstance(error, duckdb.OperationalError):
        raise TransientError(text) from error
    if isinstance(error, duckdb.DataError):
        raise ContractError(text) from error
    columns = f"; the columns are {', '.join(rows.columns)}" if rows.columns else ""
    raise FatalError(text.rstrip(".") + columns) from error

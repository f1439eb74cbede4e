"""The `python` stage: call a function of ``transform.py`` with the tables that its parameters name."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dataflow.errors import FatalError
from dataflow.identifiers import quote
from dataflow.queries import columns_of
from dataflow.runtime.author_code.modules import author_code, author_function
from dataflow.runtime.step import Step
from dataflow.runtime.steps.returned_table import keep_returned

if TYPE_CHECKING:
    import pandas as pd
    from duckdb import DuckDBPyConnection, DuckDBPyRelation

__all__ = ["python_stage"]


def python_stage(
    step: Step, connection: DuckDBPyConnection, *, table: str, source: str | None
) -> Callable[[str, str | None], str]:
    """Give what runs one `python` stage: it takes the function's name and the rows so far, and gives the new rows."""
    made = 0

    def run(callable_name: str, relation: str | None) -> str:
        nonlocal made
        made += 1
        result = f"_dataflow_python_{made}"
        reference = callable_name if ":" in callable_name else f"transform:{callable_name}"
        function = author_function(step.workflow, reference)
        with author_code(step.workflow, what=reference, log=step.request.log):
            relations = _relations(connection, function, reference=reference, own=(table, relation))
            given = {column for rows, _ in relations.values() for column in rows.columns}
            tables = {name: _frame(rows) if as_frame else rows for name, (rows, as_frame) in relations.items()}
            returned = function(step.context(source), **tables)
            keep_returned(connection, returned, name=result, reference=reference, given=given)
            if relation is not None:
                _give_types_back(connection, result, given=relation)
        return result

    return run


def _relations(
    connection: DuckDBPyConnection, function: Callable[..., Any], *, reference: str, own: tuple[str, str | None]
) -> dict[str, tuple[DuckDBPyRelation, bool]]:
    """Give each parameter after ``ctx`` the table of its name, and whether it is annotated to be a DataFrame."""
    table, relation = own
    found = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name == table and relation is None:
            raise FatalError(f"{reference}: {table} has no rows yet; give the transform `from: <source>`")
        name = relation if parameter.name == table and relation else parameter.name
        rows = connection.sql(f"SELECT * FROM {quote(name)}").set_alias(parameter.name)
        found[parameter.name] = (rows, _wants_frame(parameter.annotation))
    return found


def _wants_frame(annotation: Any) -> bool:
    # With postponed annotations it is text, and not always text that can be evaluated: pandas may be imported
    # under TYPE_CHECKING only.
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__qualname__", "")
    return str(text).strip("'\" ").rpartition(".")[2] == "DataFrame"


def _frame(rows: DuckDBPyRelation) -> pd.DataFrame:
    """Give the rows as a DataFrame that keeps what they are: decimals, dates, whole numbers beside nulls."""
    import pandas as pd
    import pyarrow as pa

    table: Any = rows.to_arrow_table()
    frame: pd.DataFrame = table.to_pandas()
    for field in table.schema:
        if pa.types.is_integer(field.type) and table.column(field.name).null_count:
            # NumPy would make them floating: the load would find another type, and large ones would not be exact.
            frame[field.name] = pd.array(table.column(field.name).to_pylist(), dtype=_nullable(field.type))
    return frame


def _nullable(kind: Any) -> str:
    return str(kind).replace("uint", "UInt").replace("int", "Int")


def _give_types_back(connection: DuckDBPyConnection, name: str, *, given: str) -> None:
    """Let a column that came in keep its type where a DataFrame only lost it: all null, or a narrower decimal."""
    made, before = columns_of(connection, name), columns_of(connection, given)
    for column in made.keys() & before.keys():
        if made[column] == before[column]:
            continue
        filled = connection.execute(f"SELECT count({quote(column)}) FROM {quote(name)}").fetchone()
        if filled == (0,) or _fits(made[column], before[column]):
            connection.execute(f"ALTER TABLE {quote(name)} ALTER {quote(column)} TYPE {before[column]}")


def _fits(narrow: str, wide: str) -> bool:
    sizes = [re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind) for kind in (narrow, wide)]
    if not all(sizes):
        return False
    (digits, scale), (most_digits, most_scale) = ([int(part) for part in size.groups()] for size in sizes if size)
    return scale <= most_scale and digits - scale <= most_digits - most_scale

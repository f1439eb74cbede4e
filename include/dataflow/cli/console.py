"""What the program prints: tables for people, JSON for programs."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

from dataflow.durations import format_duration
from dataflow.errors import Problem
from dataflow.terminal import Terminal, visible

__all__ = ["emit", "err", "moment", "only_json", "out", "print_json", "print_problems", "seconds"]

WIDE = 180
"""Columns of a table that goes to a file or a pipe: wide enough that names are not cut."""

out = Terminal(width=None if sys.stdout.isatty() else WIDE)
err = Terminal(stderr=True)


def emit(
    rows: Sequence[Mapping[str, Any]],
    *,
    as_json: bool,
    empty: str,
    title: str | None = None,
    is_data: bool = False,
    whole: Sequence[str] = (),
    first_to_go: Sequence[str] = (),
) -> None:
    """Print rows as a table, or as a JSON list.

    Args:
        rows: All with the same keys.
        as_json: As a list on standard output.
        empty: What a person reads where there is no row.
        title: Above the table.
        is_data: These are a user's own names and values, shown as they are: an id or a year gets no thousands' comma.
        whole: Columns whose values are never broken into lines, such as ids that are copied.
        first_to_go: Columns that a terminal too narrow for all of them does without, one after the other.
    """
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        out.print(empty)
        return
    columns = list(rows[0])
    table = _table(rows, columns, title=title, is_data=is_data, whole=whole)
    for name in first_to_go:
        if _width(table) <= out.width:
            break
        columns.remove(name)
        table = _table(rows, columns, title=title, is_data=is_data, whole=whole)
    out.print(table)


def _table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, title: str | None, is_data: bool, whole: Sequence[str]
) -> Table:
    heading = Text(visible(title, lines=True), style="table.title") if title else None
    table = Table(title=heading, title_justify="left", box=None, pad_edge=False, header_style="bold")
    shown = _datum if is_data else _cell
    for place, column in enumerate(columns):
        values = [row[column] for row in rows]
        numeric = all(isinstance(value, (int, float, Decimal)) and not isinstance(value, bool) for value in values)
        justify: Literal["right", "left"] = "right" if numeric else "left"
        table.add_column(
            Text(visible(column) if is_data else column.replace("_", " ")),
            justify=justify,
            overflow="fold",
            no_wrap=place == 0,
            min_width=max(cell_len(shown(value)) for value in values) if column in whole else None,
        )
    for row in rows:
        table.add_row(*(Text(shown(row[column])) for column in columns))
    return table


def _width(table: Table) -> int:
    """Give how wide the table is where there is room for it."""
    return out.measure(table, options=out.options.update(max_width=sys.maxsize)).maximum


def print_json(value: Any) -> None:
    """Print JSON on standard output, and nothing else there; numbers that JSON lacks are ``"NaN"``, ``"Infinity"``."""
    sys.stdout.write(json.dumps(_finite(value), indent=2, default=_plain, allow_nan=False) + "\n")


@contextmanager
def only_json() -> Iterator[None]:
    """Keep standard output for `print_json`: what authors and their programs print meanwhile is on standard error."""
    sys.stdout.flush()
    kept = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, sys.stdout.fileno())
        os.close(kept)


def print_problems(problems: Sequence[Problem]) -> None:
    """Print each problem on its line, on standard output, uncoloured: editors and CI read them."""
    for problem in problems:
        sys.stdout.write(f"{visible(str(problem))}\n")


def moment(value: datetime | None) -> str:
    """Show a moment in UTC, to the minute."""
    return value.strftime("%Y-%m-%d %H:%M") if value else ""


def seconds(value: float) -> str:
    """Show how long something took: ``0.4 s``, ``12 s``, ``3m10s``."""
    value = max(value, 0.0)  # clocks may be set back while something runs
    if value < 10:
        return f"{value:.1f} s"
    if value < 60:
        return f"{value:.0f} s"
    from datetime import timedelta

    return format_duration(timedelta(seconds=round(value)))


def _cell(value: Any) -> str:
    match value:
        case None:
            text = ""
        case bool():
            text = "yes" if value else "no"
        case datetime():
            text = moment(value)
        case list() | tuple():
            text = ", ".join(str(item) for item in value)
        case int():
            text = f"{value:,}"
        case float():
            text = f"{value:,.6g}"
        case _:
            text = str(value)
    return visible(text, lines=True)


def _datum(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case list() | dict():
            return visible(json.dumps(value, ensure_ascii=False, default=_plain))
    return visible(str(value))


def _finite(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict():
            return {name: _finite(each) for name, each in value.items()}
        case list() | tuple():
            return [_finite(each) for each in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value)
    return str(value)

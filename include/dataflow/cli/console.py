"""What the program prints: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from rich.console import Console
from rich.table import Table
from rich.text import Text

from dataflow.durations import format_duration
from dataflow.errors import Problem

__all__ = ["emit", "err", "moment", "out", "print_json", "print_problems", "seconds"]

WIDE = 180
"""Columns of a table that goes to a file or a pipe: wide enough that names are not cut."""

out = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, soft_wrap=True, highlight=False)


def emit(
    rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str, title: str | None = None, is_data: bool = False
) -> None:
    """Print rows as a table, or as a JSON list.

    Args:
        rows: All with the same keys.
        as_json: As a list on standard output.
        empty: What a person reads where there is no row.
        title: Above the table.
        is_data: These are a user's own names and values, shown as they are: an id or a year gets no thousands' comma.
    """
    if as_json:
        print_json(list(rows))
        return
    if not rows:
        out.print(empty)
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(rows[0]):
        numeric = all(
            isinstance(row[column], (int, float, Decimal)) and not isinstance(row[column], bool) for row in rows
        )
        justify: Literal["right", "left"] = "right" if numeric else "left"
        table.add_column(
            Text(column if is_data else column.replace("_", " ")), justify=justify, overflow="fold", no_wrap=place == 0
        )
    for row in rows:
        table.add_row(*(Text(_datum(value) if is_data else _cell(value)) for value in row.values()))
    out.print(table)


def print_json(value: Any) -> None:
    """Print JSON on standard output, and nothing else there."""
    sys.stdout.write(json.dumps(value, indent=2, default=_plain) + "\n")


def print_problems(problems: Sequence[Problem]) -> None:
    """Print each problem on its line, on standard output, uncoloured: editors and CI read them."""
    for problem in problems:
        sys.stdout.write(f"{problem}\n")


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
    return text


def _datum(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
    return str(value)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (set, frozenset, tuple)):
        return sorted(value)
    return str(value)

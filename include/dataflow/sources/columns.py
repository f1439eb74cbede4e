"""Declared columns against those that were found."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches

from dataflow.errors import ContractError
from dataflow.landing.manifest import METADATA_PREFIX
from dataflow.sources.fit import canonical_type
from dataflow.spec.sources import Columns

__all__ = ["check_found", "declared_paths", "declared_types", "refuse_reserved"]

MAX_SHOWN = 40


def declared_types(columns: Columns) -> dict[str, str]:
    """Give the declared names and their types as DuckDB writes them.

    Raises:
        ContractError: for a type that DuckDB does not have, or a name that is ours.
    """
    refuse_reserved("columns", columns)
    return {name: canonical_type(column.type, column=name) for name, column in columns.items()}


def declared_paths(columns: Columns) -> dict[str, str]:
    """Give where in a record each column is, of those that say so."""
    return {name: column.path for name, column in columns.items() if column.path is not None}


def refuse_reserved(place: str, names: Iterable[str]) -> None:
    """Raise a ContractError for a name that only our own columns have."""
    for name in names:
        if name.lower().startswith(METADATA_PREFIX):
            raise ContractError(
                f'{place}: column "{name}": names that begin with {METADATA_PREFIX} are ours; rename it'
            )


def check_found(place: str, declared: Collection[str], *, found: Sequence[str], log: logging.Logger) -> None:
    """Log the columns that are there and not declared: they are left out.

    Raises:
        ContractError: for a declared one that is not there, or is there twice.
    """
    for name in declared:
        if name not in found:
            raise ContractError(f'{place}: no column "{name}"; found {_shown(found)}{_hint(name, found)}')
        if found.count(name) > 1:
            raise ContractError(f'{place}: {found.count(name)} columns named "{name}"; only one can be read')
    extra = [name for name in found if name not in declared]
    if extra:
        log.info("%s: left out %s, not declared in `columns`", place, _shown(extra))


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name[:80]}"' for name in names[:MAX_SHOWN]) or "none"
    return shown + (f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else "")


def _hint(name: str, found: Sequence[str]) -> str:
    if len(found) == 1:
        for delimiter in (";", "\t", "|", ","):
            if delimiter in found[0]:
                return f"; is {delimiter!r} the delimiter? Then set `options: {{delim: {delimiter!r}}}`"
    by_case = {other.strip().lower(): other for other in found}
    close = by_case.get(name.lower()) or next(iter(get_close_matches(name, found, n=1)), None)
    return f'; did you mean "{close}"?' if close else ""

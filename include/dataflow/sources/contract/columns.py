"""Declared columns against those that were found."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from dataflow.errors import ContractError
from dataflow.landing.manifest import METADATA_PREFIX
from dataflow.near_miss import near_words
from dataflow.sources.contract.fit import canonical_type
from dataflow.sources.reading import RawColumn
from dataflow.spec.sources import AS_DECLARED, Columns, SchemaContract

__all__ = [
    "Found",
    "check_found",
    "declared_paths",
    "declared_types",
    "key_is_gone",
    "keys_of_columns",
    "reads_undeclared",
    "refuse_reserved",
    "tell_apart",
]

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


def keys_of_columns(declared: Iterable[str], paths: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Give the keys on the way to each column in a record; what has no path is named as its column."""
    return {
        name: tuple(key for key in paths[name].split(".") if key) if name in paths else (name,) for name in declared
    }


def refuse_reserved(place: str, names: Iterable[str]) -> None:
    """Raise a ContractError for a name that only our own columns have."""
    for name in names:
        if name.lower().startswith(METADATA_PREFIX):
            raise ContractError(
                f'{place}: column "{name}": names that begin with {METADATA_PREFIX} are ours; rename it'
            )


@dataclass(frozen=True, slots=True)
class Found:
    """What was found beside or instead of the declared columns, as far as the contract lets it pass."""

    absent: frozenset[str] = frozenset()
    """Declared columns to land as NULL."""
    landed: tuple[str, ...] = ()
    """Undeclared columns to land."""
    judged: tuple[str, ...] = ()
    """Undeclared columns whose rows are not landed where they have a value."""
    left_out: tuple[str, ...] = ()
    """Undeclared columns that are not read."""

    @property
    def read(self) -> tuple[str, ...]:
        """The undeclared columns that have to be read."""
        return (*self.landed, *self.judged)

    def landed_of(self, columns: Sequence[RawColumn], declared: Mapping[str, str]) -> tuple[RawColumn, ...]:
        """Give of the columns that are read those to land, and the declared ones that are not there."""
        absent = (RawColumn(name, None, "VARCHAR", declared[name]) for name in declared if name in self.absent)
        return (*(column for column in columns if column.name not in self.judged), *absent)

    def judged_of(self, columns: Sequence[RawColumn]) -> tuple[RawColumn, ...]:
        """Give of the columns that are read those that are only judged."""
        return tuple(column for column in columns if column.name in self.judged)


def check_found(
    place: str,
    declared: Collection[str],
    *,
    found: Sequence[str],
    log: logging.Logger,
    contract: SchemaContract = AS_DECLARED,
) -> Found:
    """Hold the columns that are there against the declared ones; without a contract, others are left out and logged.

    Raises:
        ContractError: for a column that the contract does not let pass, or that is there twice.
    """
    absent = [name for name in declared if name not in found]
    for name in absent:
        if contract.columns != "evolve":
            raise ContractError(f'{place}: no column "{name}"; found {_shown(found)}{_hint(name, found)}')
        log.warning('%s: no column "%s"; it is NULL in these rows%s', place, name, _hint(name, found))
    for name in declared:
        if found.count(name) > 1:
            raise ContractError(f'{place}: {found.count(name)} columns named "{name}"; only one can be read')
    extra = [name for name in found if name not in declared]
    if not extra:
        return Found(frozenset(absent))
    if contract.columns == "freeze":
        raise ContractError(
            f"{place}: {_shown(extra)} not declared in `columns`, and the schema_contract freezes them; "
            "declare what came, or loosen the contract"
        )
    if contract.columns == "discard_value":
        log.info("%s: left out %s, not declared in `columns`", place, _shown(extra))
        return Found(left_out=tuple(extra))
    tell_apart(place, declared, extra)
    if contract.columns == "evolve":
        return Found(frozenset(absent), _landable(place, extra, log=log))
    return Found(judged=tuple(extra))


def reads_undeclared(contract: SchemaContract) -> bool:
    """Tell whether a reader has to find every column that is there, and not only the declared ones."""
    return contract.columns != "discard_value"


def tell_apart(place: str, declared: Collection[str], extra: Sequence[str]) -> None:
    """Raise a ContractError for undeclared columns that a table cannot have beside the others."""
    taken = {name.lower(): name for name in declared}
    for name in extra:
        if (other := taken.get(name.lower())) is not None:
            raise ContractError(
                f'{place}: no table has both "{other}" and "{name}"; rename one, or declare '
                "`schema_contract: {columns: discard_value}`"
            )
        taken[name.lower()] = name


def _landable(place: str, extra: Sequence[str], *, log: logging.Logger) -> tuple[str, ...]:
    """Give the undeclared columns that a table can have, and log which those are."""
    names = tuple(name for name in extra if name)
    refuse_reserved(place, names)
    if len(names) < len(extra):
        log.warning("%s: left out a column that has no name", place)
    if names:
        log.warning("%s: landed %s too, not declared in `columns`", place, _shown(names))
    return names


def key_is_gone(
    place: str, key: str, of: str, *, found: Sequence[str], log: logging.Logger, contract: SchemaContract
) -> None:
    """Log that a key is NULL in a part of the rows, or refuse it, by the contract.

    Args:
        place: Of the first record of that part.
        key: What none of its records has, and every other record.
        of: The part, as in ``the page's 2 records``.
        found: The keys of that first record.
        log: Told where the contract lets it pass.
        contract: The source's.

    Raises:
        ContractError: when the contract does not let it pass.
    """
    told = (
        f'{place}: no "{key}", nor in any of {of}, though every record elsewhere has it; found {_shown(found)}'
        f"{_close(key, found)}"
    )
    if contract.columns != "evolve":
        raise ContractError(f"{told} Correct `columns`, or let `schema_contract: {{columns: evolve}}` land NULL there")
    log.warning("%s It is NULL there", told)


def _close(name: str, found: Sequence[str]) -> str:
    near = near_words(name, found)
    return f'; did you mean "{near[0]}"?' if near else "."


def _shown(names: Sequence[str]) -> str:
    shown = ", ".join(f'"{name[:80]}"' for name in names[:MAX_SHOWN]) or "none"
    return shown + (f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else "")


def _hint(name: str, found: Sequence[str]) -> str:
    if len(found) == 1:
        for delimiter in (";", "\t", "|", ","):
            if delimiter in found[0]:
                return f"; is {delimiter!r} the delimiter? Then set `options: {{delim: {delimiter!r}}}`"
    near = near_words(name, found)
    return f'; did you mean "{near[0]}"?' if near else ""

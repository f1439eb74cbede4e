"""Lists, arrays, structs and maps: what they are read as, and which of their values a cast would change in silence."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from dataflow.identifiers import literal, quote
from dataflow.sources.contract.loss import DECIMAL, FLOATS, changed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from duckdb.sqltypes import DuckDBPyType

__all__ = ["is_nested", "nested_loss", "with_leaves", "with_texts"]

DOUBLE_DIGITS = 15


def is_nested(kind: str) -> bool:
    """Tell whether a type, as DuckDB writes it, has values within values."""
    return kind == "JSON" or kind.startswith(("STRUCT(", "MAP(")) or kind.endswith("]")


def with_texts(declared: str, *, kind: str | None = None) -> str:
    """Give the type that values are cast to first, in which no digit is lost.

    Args:
        declared: What they become.
        kind: What they are; None for JSON, all of whose scalars are read as the text that they were written as.
    """
    import duckdb

    return _with_texts(duckdb.sqltype(declared), duckdb.sqltype(kind) if kind else None)


def nested_loss(expression: str, kind: str, *, declared: str) -> str | None:
    """Give the SQL that is true where any value within is changed by the cast; see `changed`."""
    import duckdb

    return _loss(expression, duckdb.sqltype(kind), duckdb.sqltype(declared), count())


def with_leaves(expression: str, kind: str, leaf: Callable[[str, str], str]) -> str:
    """Give the SQL of a nested value in which each scalar of these types is what ``leaf`` makes of it and its type."""
    import duckdb

    return _with_leaves(expression, duckdb.sqltype(kind), leaf, count())


def _with_leaves(expression: str, kind: DuckDBPyType, leaf: Callable[[str, str], str], numbers: Iterator[int]) -> str:
    parts, name = _parts(kind), f"dataflow_part_{next(numbers)}"
    if not parts:
        return leaf(expression, str(kind))

    def of_each(items: str, part: DuckDBPyType) -> str:
        item = f"dataflow_part_{next(numbers)}"
        return f"list_transform({items}, lambda {item}: {_with_leaves(item, part, leaf, numbers)})"

    if kind.id not in {"map", "struct"}:
        items = of_each(f"cast({expression} as {parts['child']}[])", parts["child"])
        return f"cast({items} as {kind})" if kind.id == "array" else items
    if kind.id == "map":
        whole = f"map(map_keys({name}), {of_each(f'map_values({name})', parts['value'])})"
    else:
        fields = (
            f"{quote(field)} := {_with_leaves(f'struct_extract({name}, {literal(field)})', part, leaf, numbers)}"
            for field, part in parts.items()
        )
        whole = f"struct_pack({', '.join(fields)})"
    # Not `case`, which takes no arrays within; and so the expression is not repeated for each field.
    there = f"list_filter([{expression}], lambda {name}: {name} is not null)"
    return f"list_transform({there}, lambda {name}: {whole})[1]"


def _with_texts(declared: DuckDBPyType, kind: DuckDBPyType | None) -> str:
    parts, given = _parts(declared), _parts(kind) if kind is not None else {}
    if kind is not None and (kind.id != declared.id or given.keys() != parts.keys()):
        # 0.1 as a DECIMAL of many digits would be 0.1000000000000000055.
        wide = DECIMAL.match(str(declared))
        is_wide = wide is not None and int(wide[1]) > DOUBLE_DIGITS
        return "VARCHAR" if str(kind) in FLOATS and is_wide else str(kind)
    if not parts:
        return str(kind) if kind is not None else "JSON" if str(declared) == "JSON" else "VARCHAR"
    texts = {name: _with_texts(part, given.get(name)) for name, part in parts.items()}
    if declared.id == "struct":
        return f"STRUCT({', '.join(f'{quote(name)} {text}' for name, text in texts.items())})"
    if declared.id == "map":
        return f"MAP({texts['key']}, {texts['value']})"
    size = dict(declared.children).get("size", "") if declared.id == "array" else ""
    return f"{texts['child']}[{size}]"


def _loss(expression: str, kind: DuckDBPyType, declared: DuckDBPyType, numbers: Iterator[int]) -> str | None:
    parts, given = _parts(declared), _parts(kind)
    if str(kind) == str(declared) and "MAP(" not in str(declared):
        return None
    if not parts and not given:
        return changed(expression, str(kind), declared=str(declared))
    if declared.id == kind.id == "struct":
        return _of_fields(expression, given, parts, numbers)
    if declared.id == kind.id == "map":
        sides = (("map_keys", "key"), ("map_values", "value"))
        losses = [_of_items(f"{how}({expression})", given[side], parts[side], numbers) for how, side in sides]
        return _any([_has_key_twice(expression, parts["key"]), *losses])
    if "child" in parts and "child" in given:
        return _of_items(f"cast({expression} as {given['child']}[])", given["child"], parts["child"], numbers)
    return None


def _of_fields(
    struct: str, given: Mapping[str, DuckDBPyType], parts: Mapping[str, DuckDBPyType], numbers: Iterator[int]
) -> str | None:
    if parts.keys() != given.keys():  # a cast would leave out the one and make the other NULL
        return f"{struct} is not null"
    return _any(
        _loss(f"struct_extract({struct}, {literal(name)})", given[name], part, numbers) for name, part in parts.items()
    )


def _has_key_twice(expression: str, key: DuckDBPyType) -> str:
    # JSON has it, and DuckDB writes it to Parquet too, which nobody can read then.
    keys = f"cast(map_keys({expression}) as VARCHAR[])"
    return f"len(list_distinct(list_transform({keys}, lambda k: try_cast(k as {key})))) < cardinality({expression})"


def _of_items(items: str, kind: DuckDBPyType, declared: DuckDBPyType, numbers: Iterator[int]) -> str | None:
    name = f"dataflow_item_{next(numbers)}"
    loss = _loss(name, kind, declared, numbers)
    return None if loss is None else f"len(list_filter({items}, lambda {name}: {loss})) > 0"


def _any(losses: Iterable[str | None]) -> str | None:
    there = [f"coalesce({loss}, false)" for loss in losses if loss is not None]
    return f"({' or '.join(there)})" if there else None


def _parts(kind: DuckDBPyType) -> dict[str, DuckDBPyType]:
    """Give the types within, by name; ``child`` is that of a list's or array's items."""
    if kind.id not in {"list", "array", "struct", "map"}:
        return {}
    children: list[tuple[str, Any]] = kind.children
    return {name: part for name, part in children if name != "size" or kind.id == "struct"}

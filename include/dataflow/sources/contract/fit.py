"""Casts that never change a value in silence.

Readers give text, or types of their own, and here a value that is not of its declared type without a loss is an error,
like one that cannot be read at all: `loss` says what would be lost.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dataflow.errors import ContractError
from dataflow.identifiers import literal
from dataflow.sources.contract.loss import DECIMAL, FLOATS, INSTANTS, INTEGERS, NOT_WHOLE, ZONED, changed
from dataflow.sources.contract.nested import is_nested, nested_loss, with_leaves, with_texts
from dataflow.sources.files.number_format import NumberFormat, number_format

__all__ = ["Fit", "canonical_type", "fit", "text_format"]

MISFIT = "error('dataflow: a value does not fit')"


@dataclass(frozen=True, slots=True)
class Fit:
    """SQL that casts one column."""

    value: str
    """The value with its declared type; raises on a misfit."""
    misfit: str | None = None
    """True where a value that is not NULL does not fit; never raises. None where every value fits."""
    attempt: str = ""
    """The value with its declared type, NULL where it does not fit; never raises."""


def canonical_type(kind: str, *, column: str) -> str:
    """Give a type as DuckDB writes it: ``TIMESTAMPTZ`` is ``TIMESTAMP WITH TIME ZONE``.

    Raises:
        ContractError: when DuckDB has no such type.
    """
    import duckdb

    try:
        return str(duckdb.sqltype(kind))
    except duckdb.Error:
        raise ContractError(f'column "{column}": DuckDB has no type {kind!r}; see `columns` of the source') from None


def text_format(declared: str, options: Mapping[str, object]) -> str | NumberFormat | None:
    """Give how a reader's options say that values of a type are written; of a time, in the words of strptime."""
    if declared in INTEGERS or declared in FLOATS or DECIMAL.fullmatch(declared):
        return number_format(options)
    name = {"DATE": "dateformat"}.get(declared, "timestampformat" if declared in {*INSTANTS, ZONED} else "")
    return str(options[name]) if name in options else None


def fit(
    expression: str,
    kind: str,
    *,
    declared: str | None,
    form: str | NumberFormat | None = None,
    leaf: Callable[[str, str], str] | None = None,
) -> Fit:
    """Give the SQL that makes an expression of one type another; both types as DuckDB writes them.

    Args:
        expression: The value.
        kind: Its type.
        declared: The type that it becomes; None to leave it as it is.
        form: Of a value written as text, as `text_format` gives it.
        leaf: Gives what each scalar within a nested value was, before it is cast to its own type.
    """
    if declared is None or (kind == declared and declared not in NOT_WHOLE):
        return Fit(expression, attempt=expression)
    if form is not None and kind == "VARCHAR":
        if isinstance(form, str):
            return _parsed(expression, declared, form)
        expression = form.plain(expression)
    if is_nested(declared) or is_nested(kind):
        return _nested_fit(expression, kind, declared=declared, leaf=leaf)
    if (through := with_texts(declared, kind=kind)) != kind:
        return fit(f"cast({expression} as {through})", through, declared=declared)
    cast, tried = (f"{how}({expression} as {declared})" for how in ("cast", "try_cast"))
    if (kind, declared) == ("BLOB", "VARCHAR"):  # a cast would write \xC3\xB6 for ö
        cast, tried = f"decode({expression})", f"try(decode({expression}))"
    loss = changed(expression, kind, declared=declared)
    if loss is None:
        return Fit(cast, f"{tried} is null", tried)
    return Fit(
        f"case when {loss} then {MISFIT} else {cast} end",
        f"({tried} is null or coalesce({loss}, false))",
        f"case when {loss} then null else {tried} end",
    )


def _parsed(expression: str, declared: str, form: str) -> Fit:
    parsed, tried = (f"{how}({expression}, {literal(form)})" for how in ("strptime", "try_strptime"))
    cast, attempt = f"cast({parsed} as {declared})", f"try_cast({tried} as {declared})"
    if declared != "DATE":
        return Fit(cast, f"{attempt} is null", attempt)
    time = f"{attempt} <> {tried}"
    return Fit(
        f"case when {time} then {MISFIT} else {cast} end",
        f"({attempt} is null or {time})",
        f"case when {time} then null else {attempt} end",
    )


def _nested_fit(expression: str, kind: str, *, declared: str, leaf: Callable[[str, str], str] | None) -> Fit:
    if kind == "JSON" and not is_nested(declared) and declared != "VARCHAR":
        return fit(f"json_extract_string({expression}, '$')", "VARCHAR", declared=declared)
    given, within = _within(expression, kind, declared=declared)
    given = with_leaves(given, within, leaf) if leaf is not None else given
    cast, loss = f"cast({given} as {declared})", nested_loss(given, within, declared=declared)
    value = cast if loss is None else f"case when {loss} then {MISFIT} else {cast} end"
    # Not try_cast, which makes NULL of the inner value alone. The struct tells a JSON null, which fits, from a failure;
    # and DuckDB would take a part that two such expressions share out of them, where it raises: so they share all, and
    # what is asked of a value twice is asked within a lambda.
    item = "dataflow_value"
    loss = nested_loss(item, within, declared=declared)
    both = f"{{'value': cast({item} as {declared}), 'loss': {f'coalesce({loss}, false)' if loss else 'false'}}}"
    tried = f"try(list_transform([{given}], lambda {item}: {both})[1])"
    return Fit(
        value,
        f"coalesce(struct_extract({tried}, 'loss'), true)",
        f"case when not struct_extract({tried}, 'loss') then struct_extract({tried}, 'value') end",
    )


def _within(expression: str, kind: str, *, declared: str) -> tuple[str, str]:
    """Give the expression as what it is cast to first, and the type of that."""
    if kind == "VARCHAR":
        expression, kind = f"cast({expression} as JSON)", "JSON"
    if declared == "JSON" or not is_nested(declared):
        return expression, kind
    through = with_texts(declared, kind=None if kind == "JSON" else kind)
    return (expression if through == kind else f"cast({expression} as {through})"), through

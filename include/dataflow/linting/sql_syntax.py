"""Whether DuckDB can read the SQL of a config: queries that are one SELECT, expressions that are one expression."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING

from dataflow.foreign_sql import begins_to_read
from dataflow.linting.authored_sql import AuthoredSql, Form
from dataflow.linting.unquoted import column_to_quote
from dataflow.loading.rules.subject import Finding, Findings
from dataflow.queries import duckdb_message, refuse_reach

if TYPE_CHECKING:
    import duckdb

__all__ = ["AROUND", "sql_can_be_read"]

AROUND = {"query": "{}", "foreign": "{}", "expression": "SELECT (\n{}\n)", "order": "SELECT 1 ORDER BY\n{}\n, 1"}
"""How a piece stands in our own SQL; a comment may end it, so what follows begins a new line."""
_LINE = re.compile(r"^LINE ([0-9]+): ", re.MULTILINE)


def sql_can_be_read(
    pieces: Iterable[AuthoredSql], connection: duckdb.DuckDBPyConnection, *, columns: frozenset[str] = frozenset()
) -> Findings:
    """Have DuckDB parse each piece; nothing is run, and no table needs to exist.

    ``columns`` may be what an author meant with a word that SQL takes for its own.
    """
    import duckdb

    for piece in pieces:
        try:
            statements = connection.extract_statements(AROUND[piece.form].format(piece.text))
        except duckdb.Error as error:
            if piece.form == "foreign" and not begins_to_read(piece.text):
                yield Finding(piece.steps, "exactly one SELECT belongs here", "begin it with SELECT, WITH or VALUES")
                continue
            if piece.form == "foreign":
                yield _foreign(piece, error)
            else:
                meant = column_to_quote(piece.text, columns, parses=partial(_is_select, connection, piece.form))
                yield _unreadable(piece, error, column=meant)
            continue
        if piece.form != "foreign" and (reaching := _reach(piece)):
            yield Finding(piece.steps, reaching)
            continue
        kinds = [statement.type.name for statement in statements]
        if kinds == ["SELECT"] and not (piece.form == "expression" and _closes_ours(piece.text)):
            continue
        if piece.form in ("query", "foreign"):
            yield Finding(piece.steps, f"exactly one SELECT belongs here, found {', '.join(kinds) or 'nothing'}")
        else:
            yield Finding(piece.steps, "not one expression", "check its parentheses and semicolons")


def _is_select(connection: duckdb.DuckDBPyConnection, form: Form, text: str) -> bool:
    import duckdb

    try:
        statements = connection.extract_statements(AROUND[form].format(text))
    except duckdb.Error:
        return False
    return [statement.type.name for statement in statements] == ["SELECT"]


def _reach(piece: AuthoredSql) -> str | None:
    try:
        refuse_reach(piece.text)
    except ValueError as error:
        return str(error)
    return None


def _foreign(piece: AuthoredSql, error: Exception) -> Finding:
    """Warn: what DuckDB does not know, the database may."""
    reason = duckdb_message(error).removeprefix("Parser Error: ")
    message = f"only the database can judge this query: DuckDB's parser says {reason}"
    return Finding(piece.steps, message, "it is sent as it stands", severity="warning")


def _unreadable(piece: AuthoredSql, error: Exception, *, column: str | None) -> Finding:
    reason = duckdb_message(error).removeprefix("Parser Error: ")
    if column is not None:
        return Finding(piece.steps, f"DuckDB cannot read this: {reason}", f"quote the column: {column}")
    if reason.startswith("unterminated quoted"):
        return Finding(piece.steps, "a quote that is not closed", "close it; a quote within a text is written twice")
    if piece.form != "query" and (_is_behind(piece.text, error) or reason.endswith("at end of input")):
        return Finding(piece.steps, "the expression is not complete", "it is empty, or its end is missing")
    return Finding(piece.steps, f"DuckDB cannot read this: {reason}")


def _is_behind(text: str, error: Exception) -> bool:
    """Tell whether DuckDB read the whole text and stumbled over what we put behind it."""
    line = _LINE.search(str(error))
    return line is not None and int(line.group(1)) > text.count("\n") + 2


def _closes_ours(text: str) -> bool:
    """Tell whether a parenthesis of the text closes one that is not its own, as in ``a) or (b``."""
    import duckdb

    opened = 0
    encoded = text.encode()
    for offset, kind in duckdb.tokenize(text):
        if kind == duckdb.token_type.operator:
            sign = encoded[offset : offset + 1]
            opened += (sign == b"(") - (sign == b")")
            if opened < 0:
                return True
    return False

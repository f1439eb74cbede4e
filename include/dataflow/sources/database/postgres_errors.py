"""What PostgreSQL says, told as our errors: which another try may mend, and which nobody's retry will."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from dataflow.errors import ContractError, FatalError, StepError, TransientError
from dataflow.masking import masked
from dataflow.sources.database.address import Address
from dataflow.sources.database.postgres_types import NOT_A_NUMBER
from dataflow.sources.database.relation import Relation

if TYPE_CHECKING:
    import duckdb

__all__ = ["connect_error", "read_error", "statement_error"]

REFUSED = re.compile(
    r"authentication failed|no password supplied|password authentication|no pg_hba\.conf entry|pg_hba\.conf rejects|"
    r"(?:role|user|database) \".*\" (?:does not exist|is not permitted)|permission denied for database|"
    r"certificate|does not support SSL|SSL is not enabled|invalid (?:connection option|port|sslmode)|"
    r"unrecognized configuration parameter|root\.crt",
    re.IGNORECASE,
)
"""Of a login: what no retry mends. Everything else may be over soon."""
PASSING = ("08", "25006", "40", "53", "55P03", "57", "58")
"""Beginnings of SQLSTATE codes: connection lost, rolled back, no resources, cancelled, shut down."""
PASSING_TEXT = re.compile(
    r"canceling statement|terminating connection|deadlock|could not serialize|conflict with recovery|"
    r"too many clients|connection slots|out of (?:memory|shared memory)|could not (?:extend|write|resize)|"
    r"is (?:starting up|shutting down|in recovery)|snapshot too old",
)
"""The same as DuckDB passes it on, without the code."""
FROM_SERVER = re.compile(r"ERROR:\s+(.*)", re.DOTALL)
OF_THE_SCANNER = re.compile(r"Postgres|COPY|FATAL:|server closed|Failed to (?:prepare|execute)", re.IGNORECASE)
ARRAY = re.compile(r"Expected an array with (\d+) dimensions?, but this array has (\d+)")


def connect_error(error: Exception, address: Address) -> StepError:
    """Say why nobody could log in."""
    text = _short(str(error))
    if REFUSED.search(text) or isinstance(error, UnicodeError):
        return FatalError(f"{address.shown} refuses the login: {text}")
    return TransientError(f"{address.shown} cannot be reached: {text}")


def statement_error(error: Any, address: Address, relation: Relation) -> StepError:
    """Say why the server refused a statement, by its code."""
    code, diagnosis = error.pgcode or "", error.diag
    said = diagnosis.message_primary or _short(str(error))
    hint = f"; {_short(diagnosis.message_hint)}" if diagnosis.message_hint else ""
    if not code or code.startswith(PASSING):
        return TransientError(f"{relation.shown}: {address.shown} broke off: {masked(said)}")
    kind = FatalError if code == "42501" else ContractError
    return kind(f"{relation.shown}: PostgreSQL refuses this: {masked(said)}{hint}")


def read_error(error: duckdb.Error, address: Address, relation: Relation) -> StepError | None:
    """Say why DuckDB could not copy the rows; None when it is none of the database's doing."""
    import duckdb

    text = str(error)
    array = ARRAY.search(text)
    if array is not None:
        return ContractError(
            f"{relation.shown}: an array of {array[2]} dimensions where {array[1]} are expected; "
            "declare its column as JSON, or VARCHAR"
        )
    if isinstance(error, duckdb.ConversionException):
        return None  # its text quotes our statement and the value, in which any word may stand
    said = FROM_SERVER.search(text)
    if said is not None and not PASSING_TEXT.search(text):
        if NOT_A_NUMBER in said[1]:
            column = said[1].split(NOT_A_NUMBER, 1)[1].partition("\n")[0].strip(' "')
            return ContractError(
                f'{relation.shown}: column "{column}" holds NaN, which no DECIMAL does; declare it as DOUBLE or VARCHAR'
            )
        return ContractError(f"{relation.shown}: PostgreSQL refuses this: {_short(said[1])}")
    if OF_THE_SCANNER.search(text):
        # The text names the address, and may name the login, before what happened.
        happened = text.rpartition('": ')[2] if "Unable to connect" in text else text
        return TransientError(f"{relation.shown}: {address.shown} broke off: {_short(happened)}")
    return None


def _short(text: str) -> str:
    return masked(" ".join(text.split()))[:500]

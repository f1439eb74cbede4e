"""How a lost lake is known: by what DuckDB says where PostgreSQL or the store does not answer."""

from __future__ import annotations

import re

__all__ = ["words_of_loss"]

_LOST = re.compile(
    r"server closed the connection|terminating connection|connection to server|could not connect|Unable to connect"
    r"|no connection to the server|connection has been closed|Connection refused|connection not open|SSL SYSCALL"
    r"|the database system is|too many clients|could not receive data|could not send data|Could not establish"
    r"|HTTP (?:5\d\d|429)|Current transaction is aborted|Failed to execute query \"(?:ROLLBACK|BEGIN|COMMIT)",
    re.IGNORECASE,
)


def words_of_loss(text: str) -> str:
    """Give the words by which a message of DuckDB's, as dbt repeats it, tells that PostgreSQL or the store was lost.

    They are fixed ones, in which no value can be; empty where the message tells of no loss.
    """
    found = _LOST.search(text)
    return found[0] if found else ""

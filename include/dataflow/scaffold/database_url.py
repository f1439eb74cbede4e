"""The database that a new workflow begins with, where its address is given. A login in it is written nowhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from dataflow.errors import InputError
from dataflow.masking import keep_secret

__all__ = ["FORM", "DatabaseUrl", "read_database_url", "require_table"]

FORM = "postgresql://user:password@host/database"
_BARE = re.compile(r"[a-z][a-z0-9+_]*://[^\s{}$\"<>@?#]*")


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """An address without what logs in."""

    shown: str
    """As people are shown what to set: with words in place of the login."""
    default: str
    """What a config may say of it: a SQLite file, else nothing."""


def read_database_url(text: str) -> DatabaseUrl:
    """Take the login out of an address.

    Raises:
        InputError: when it is none; the message never repeats it, for it may hold a password.
    """
    try:
        parts = urlsplit(text)
        password, host = parts.password, parts.netloc.rpartition("@")[2]
    except ValueError:
        raise InputError(_no_url()) from None
    if password:
        keep_secret(password)
    bare = f"{parts.scheme}://{host}{parts.path}"
    if not _BARE.fullmatch(bare) or not parts.path.strip("/"):
        raise InputError(_no_url())
    if parts.scheme == "sqlite":
        return DatabaseUrl(bare, bare)
    return DatabaseUrl(f"{parts.scheme}://user:password@{host}{parts.path}", "")


def _no_url() -> str:
    return (
        f"--url: a database is like {FORM}, with %40 for @ and %2F for / in a password; or like sqlite:////data/shop.db"
    )


def require_table(name: str) -> None:
    """Raise where a name is no table's: ``orders`` or ``public.orders``.

    Raises:
        InputError: when it is none.
    """
    if not re.fullmatch(r"[^\W\d][\w$]*(\.[^\W\d][\w$]*){0,2}", name):
        raise InputError(f"--table {name}: a table is like orders or public.orders")

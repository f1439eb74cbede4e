"""The address that a new workflow's API source begins with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from dataflow.errors import InputError

__all__ = ["EXAMPLE_URL", "ApiUrl", "read_url"]

EXAMPLE_URL = "https://api.example.com/v1/events"


@dataclass(frozen=True, slots=True)
class ApiUrl:
    """An address in two parts, so that tests can put their own server in place of the real one."""

    server: str
    path: str
    query: str

    @property
    def last(self) -> str:
        """The last part of the path, which names what is there."""
        return self.path.rstrip("/").rpartition("/")[2]


def read_url(text: str) -> ApiUrl:
    """Take an address apart.

    Raises:
        InputError: when it is none, or holds a login.
    """
    parts = urlsplit(text)
    if not re.fullmatch(r"https?://[A-Za-z0-9.:\[\]-]+(?:/[^\s{}$\"<>]*)?(?:\?[^\s{}$\"<>]*)?", text):
        raise InputError(f"--url {text}: an address is like {EXAMPLE_URL}; a login goes into `auth`")
    return ApiUrl(f"{parts.scheme}://{parts.netloc}", parts.path or "/", f"?{parts.query}" if parts.query else "")

"""Secrets that this process has seen, kept out of what it writes: logs, errors, run history.

Airflow's own masker knows them too, in a task; this one is for everything that is written without Airflow.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

__all__ = ["forms_of", "keep_secret", "mask_error", "masked", "masked_logs", "names_a_secret"]

HIDDEN = "***"
SHORTEST = 4
"""Characters; to hide every ``a`` of a log would hide the log and tell the secret."""

_SECRET_WORDS = frozenset(
    {"apikey", "credential", "credentials", "key", "passphrase", "passwd", "password", "pwd", "secret", "token"}
)
_USER_INFO = re.compile(r"(?<=://)([^\s/:@]*):[^\s/@]+@")
_IN_QUERY = re.compile(r"([?&][\w.-]*(?:key|password|secret|signature|token)[\w.-]*=)[^\s&#'\"]+", re.IGNORECASE)

_forms: set[str] = set()


def names_a_secret(name: str) -> bool:
    """Tell whether a variable or field of this name holds a secret: its last word says so, as in ``ORDERS_TOKEN``."""
    return re.split(r"[^a-z0-9]+", name.lower())[-1] in _SECRET_WORDS


def forms_of(value: str) -> frozenset[str]:
    """Give a value as it may be written: as it is, in a URL, in JSON, in Python's own words, and in base64."""
    raw = value.encode()
    encoded = (base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode())
    in_words = {repr(value)[1:-1], repr(repr(value)[1:-1])[1:-1], value.replace("\\", "\\\\")}
    in_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    in_urls = {quote(value, safe=""), quote(value), quote_plus(value)}
    return frozenset({value, *in_urls, *in_json, *in_words, *(text.rstrip("=") for text in encoded)})


def keep_secret(value: str) -> None:
    """Hide a value from now on, however it is written; one of fewer than four characters is not hidden."""
    if len(value) >= SHORTEST:
        _forms.update(forms_of(value))


def masked(text: str) -> str:
    """Give the text without the secrets, and without passwords that stand in a URL."""
    for form in sorted(_forms, key=len, reverse=True):
        text = text.replace(form, HIDDEN)
    if "://" in text:
        text = _USER_INFO.sub(rf"\1:{HIDDEN}@", text)
        text = _IN_QUERY.sub(rf"\1{HIDDEN}", text)
    return text


def mask_error(error: BaseException) -> None:
    """Take secrets out of an error and of all that led to it; it stays the same error."""
    seen: set[int] = set()
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        each.args = tuple(masked(arg) if isinstance(arg, str) else arg for arg in each.args)
        if isinstance(each, OSError) and isinstance(each.filename, str):
            each.filename = masked(each.filename)
        if isinstance(each, BaseExceptionGroup):
            left += each.exceptions
        left += [each.__cause__, each.__context__]


@contextmanager
def masked_logs() -> Iterator[None]:
    """Take secrets out of every record that is logged meanwhile, whoever logs it and wherever it goes."""
    before = logging.getLogRecordFactory()

    def make(*given: Any, **named: Any) -> logging.LogRecord:
        record = before(*given, **named)
        if record.exc_info and record.exc_info[1] is not None:
            mask_error(record.exc_info[1])
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError):  # logging itself tells of a record that does not format
            return record
        hidden = masked(text)
        if hidden != text:
            record.msg, record.args = hidden, ()
        return record

    logging.setLogRecordFactory(make)
    try:
        yield
    finally:
        logging.setLogRecordFactory(before)

"""Secret fields: they hold references, so that nobody who reads a config reads a secret."""

from __future__ import annotations

import re

from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.spec.resolved import secret_texts

__all__ = ["secrets_are_references"]

_REFERENCE = re.compile(r"(?<!\$)\$\{(?P<name>(?:conn:|var:)?[^{}:]+)(?::-(?P<default>[^{}]*))?\}")

_REFERRED = "\0"
_PASSWORD = re.compile(
    r"://[^/?#\s:@]*:([^/?#\s@]+)@|[?&;](?:\w*password|pwd|\w*token|\w*secret)=([^&;\s]+)", re.IGNORECASE
)
"""Of a URL, beside whose other parts references may stand."""
_FILE = re.compile(r"sqlite:///[^@?$]*\Z")


def secrets_are_references(subject: Subject) -> Findings:
    """Refuse a secret that is written out, also as the default of a reference; no value is shown.

    The path of a SQLite file is none: whoever may read the file needs no login.
    """
    for name, source in subject.spec.sources.items():
        for inside, text in secret_texts(source):
            steps: Steps = ("sources", name, *inside)
            if _FILE.match(_REFERENCE.sub(lambda each: each["default"] or each[0], text)):
                continue
            found = list(_REFERENCE.finditer(text))
            if not found or _is_written_out(text):
                yield Finding(steps, "a secret is written out here", "write ${NAME}, and set NAME where tasks run")
            elif any(each["default"] for each in found):
                hint = "write ${NAME} alone, and set NAME where tasks run"
                yield Finding(steps, "the default of this reference is a secret that is written out", hint)


def _is_written_out(text: str) -> bool:
    """Tell whether a password stands in a URL as it is, whatever references stand beside it."""
    passwords = _PASSWORD.findall(_REFERENCE.sub(_REFERRED, text))
    return any(_REFERRED not in "".join(each) for each in passwords)

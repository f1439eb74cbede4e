"""Credentials that stand in a config for everybody to read, who can read the repository."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from dataflow.linting.references import texts_in
from dataflow.loading.model_keys import mark_at
from dataflow.loading.rules.subject import Finding, Findings, Steps
from dataflow.spec.resolved import Resolved

__all__ = ["credentials_are_references"]

_SECRET_KEY = re.compile(
    r"(?:.*_)?(?:password|passwd|pwd|passphrase|secret|token|api_?key|access_key|secret_key|private_key|authorization|"
    r"credentials?|connection_string)\Z"
)
_USER_INFO = re.compile(r"://[^/?#\s:@]*:([^/?#\s@]+)@")
_IN_QUERY = re.compile(r"[?&;](?:[a-z_]*_)?(?:password|passwd|pwd|secret|token|api_?key|sig)=([^&#\s]+)", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\{(?:[A-Za-z_][A-Za-z0-9_]*|conn:[^{}]+|var:[^{}]+)\}|\$\{[A-Za-z_][A-Za-z0-9_]*:-\}")
"""One without a default of its own; a default would be as readable as a literal."""


def credentials_are_references(config: Mapping[str, Any]) -> Findings:
    """Find passwords in URLs, and texts under keys such as ``token`` that are no reference; no value is shown."""
    for steps, text in texts_in(config):
        if _is_a_secret_field(config, steps):
            continue  # it was told while the config was read
        if _is_literal(_USER_INFO, text):
            yield Finding(steps, "the URL holds a password", _way_out(steps))
        elif _is_literal(_IN_QUERY, text):
            yield Finding(steps, "the URL holds a secret in its query", _way_out(steps))
        elif (key := _secret_key(steps)) and _REFERENCE.sub("", text).removeprefix("Bearer ").strip():
            hint = f"{_way_out(steps)}; where it is none, give the key another name"
            yield Finding(steps, f"the text of '{key}' looks like a credential", hint)


def _is_a_secret_field(config: Mapping[str, Any], steps: Steps) -> bool:
    if steps[0] != "sources" or len(steps) < 3:
        return False
    mark = _mark_of_source(config["sources"][steps[1]].get("type", ""), steps[2:])
    return mark is not None and mark.secret


@lru_cache(maxsize=4096)
def _mark_of_source(kind: str, steps: Steps) -> Resolved | None:
    """Walk the model once for each place of a type of source, not once for each source of a house of 1,000."""
    return mark_at(("sources", "", kind, *steps))


def _way_out(steps: Steps) -> str:
    if steps[0] in ("settings", "params", "steps"):
        return "keep it in a variable where tasks run, and read that in your code"
    return "write ${NAME}, and set NAME where tasks run"


def _is_literal(form: re.Pattern[str], text: str) -> bool:
    return any(_REFERENCE.sub("", found).strip() for found in form.findall(_REFERENCE.sub("", text)))


def _secret_key(steps: Steps) -> str:
    """Give the key that says its value is a secret; nothing where none does."""
    if steps[0] not in ("sources", "settings", "params", "notify", "steps", "with") or not isinstance(steps[-1], str):
        return ""
    named = steps[-2] if steps[0] == "params" and steps[-1] == "default" else steps[-1]
    is_column = "columns" in steps[2:3]
    key = str(named)
    return key if not is_column and _SECRET_KEY.match(key.lower().replace("-", "_")) else ""

"""References that nothing defines: told, but no error, for another machine may well define them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dataflow.loading.rules.subject import Finding, Findings, Steps

__all__ = ["references_are_defined", "texts_in"]

_REFERENCE = re.compile(r"(?<!\$)\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""``${NAME}`` without a default; connections and variables are known to Airflow alone."""


def references_are_defined(config: Mapping[str, Any], variables: Mapping[str, str]) -> Findings:
    """Check each ``${NAME}`` of a config.

    Args:
        config: As written.
        variables: What is defined here, by name.
    """
    for steps, text in texts_in(config):
        if "${" in text:
            for name in dict.fromkeys(_REFERENCE.findall(text)):
                if name not in variables:
                    hint = f"set it where tasks run, or write ${{{name}:-...}}"
                    yield Finding(steps, f"the variable {name} is not set here", hint, severity="warning")


def texts_in(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Give every text of a config, and where it stands."""
    if isinstance(value, str):
        yield steps, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts_in(inner, (*steps, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from texts_in(inner, (*steps, index))

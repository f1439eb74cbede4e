"""How environments are called, and the file that a config has for one."""

from __future__ import annotations

import re

__all__ = ["environment_file", "environment_of", "is_environment"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*\Z")
_PREFIX, _SUFFIX = "config.", ".yaml"


def is_environment(name: str) -> bool:
    """Tell whether an environment may be called so."""
    return _NAME.match(name) is not None


def environment_file(environment: str) -> str:
    """Give the name of the file that is laid over ``config.yaml`` in an environment."""
    return f"{_PREFIX}{environment}{_SUFFIX}"


def environment_of(file: str) -> str | None:
    """Give the environment whose file is called so; None where it is none's."""
    name = file.removeprefix(_PREFIX).removesuffix(_SUFFIX)
    return name if file == environment_file(name) and is_environment(name) else None

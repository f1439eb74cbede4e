"""``settings.py``: it holds the class that types the config's ``settings``. Values are judged where it is imported."""

from __future__ import annotations

from collections.abc import Iterator

from dataflow.errors import Problem
from dataflow.loading.rules.subject import Subject

__all__ = ["settings_class_is_there"]

_WAY_OUT = "write class Settings(BaseModel), or remove the file"


def settings_class_is_there(subject: Subject) -> Iterator[Problem]:
    """Check that the module, where there is one, defines or imports a class ``Settings`` with a base."""
    module = subject.modules.get("settings")
    if module is None or module.problem is not None:
        return
    defined = module.classes.get("Settings")
    if defined is not None and not defined.bases:
        place = (defined.lineno, defined.col_offset + 1)
        yield Problem(module.path, *place, "", "Settings is no pydantic model", "write class Settings(BaseModel)")
    elif defined is None and not module.is_open and "Settings" not in {*module.imports, *module.other_names}:
        yield Problem(module.path, 1, 1, "", "it has no class Settings", _WAY_OUT)

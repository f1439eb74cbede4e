"""What is sound of a config whose shape is wrong elsewhere, so that one round of mending tells as much as can be known.

A rule speaks until it asks for what is broken: what it would say from there on might be another mistake's fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from dataflow.near_miss import near_words
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["BrokenError", "SoundPart", "said_until_broken", "sound_part_of"]

T = TypeVar("T")
OF_ENTRIES = frozenset({"sources", "validate", "transform", "load", "params"})
"""Keys of many things, of which one may be broken and the others are not."""
REQUIRED = {"description": "-", "owner": "-"}
_FIELDS = {field.alias or name: name for name, field in WorkflowSpec.model_fields.items()}


class BrokenError(Exception):
    """Something was asked for that is broken; never leaves this package."""


class SoundPart:
    """A spec that raises where a key is asked for that is broken, wholly or in one of its entries."""

    def __init__(self, spec: WorkflowSpec, broken: frozenset[str]) -> None:
        self._spec = spec
        self._broken = broken

    def __getattr__(self, name: str) -> Any:
        if name in self._broken or not (name in WorkflowSpec.model_fields or name.startswith("__")):
            raise BrokenError(name)
        return getattr(self._spec, name)

    def by_entry(self) -> WorkflowSpec:
        """Give it for rules that judge each entry for itself: entries that are broken are left out."""
        broken = self._broken - {_FIELDS[key] for key in OF_ENTRIES}
        return cast("WorkflowSpec", SoundPart(self._spec, broken))

    def as_spec(self) -> WorkflowSpec:
        """Give it as rules take it."""
        return cast("WorkflowSpec", self)


def sound_part_of(data: Mapping[str, Any], name: str, error: ValidationError) -> SoundPart | None:
    """Give what is left of a config without what its shape's error names; None where that is nothing certain.

    Args:
        data: The config.
        name: The workflow's.
        error: What the model says of it.
    """
    left: dict[str, Any] = {**data, "name": name}
    broken: set[str] = set()
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        key, *within = [str(step) for step in each["loc"]] or [""]
        meant = [key] if key in _FIELDS else near_words(key, _FIELDS)
        if not meant:
            return None  # nobody knows which of the others it should have been
        broken.add(_FIELDS[meant[0]])
        entries = left.get(key)
        if key in OF_ENTRIES and within and isinstance(entries, dict):
            left[key] = {entry: value for entry, value in entries.items() if entry != within[0]}
        elif key in left:
            del left[key]
        if key in OF_ENTRIES and not left.get(key):
            left.pop(key, None)
    try:
        return SoundPart(WorkflowSpec.model_validate({**REQUIRED, **left}), frozenset(broken))
    except ValidationError:
        return None


def said_until_broken(rule: Callable[[], Iterable[T]]) -> Iterator[T]:
    """Give what a rule says before it asks for what is broken."""
    try:
        yield from rule()
    except BrokenError:
        return

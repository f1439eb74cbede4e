"""Which keys the config model knows at a place; asked only when something is wrong there."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from dataflow.spec.resolved import is_resolved
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["description_of", "is_resolved_at", "keys_at", "resolved_fields", "source_types"]

Location = tuple[str | int, ...]
"""A path as pydantic gives it: keys, positions in lists, and tags of unions."""

NEVER_WRITTEN = frozenset({"name"})
"""Keys of the root that come from elsewhere: the folder's name."""


def keys_at(location: Location, model: type[BaseModel] = WorkflowSpec) -> list[str]:
    """Give the keys of the mapping at the location; none where it is free."""
    keys = {field.alias or name for each in _models_at(location, model) for name, field in each.model_fields.items()}
    return sorted(keys if location else keys - NEVER_WRITTEN)


def description_of(location: Location, model: type[BaseModel] = WorkflowSpec) -> str:
    """Give what the model says of a key, as the end of a sentence."""
    for each in _models_at(location[:-1], model):
        for name, field in each.model_fields.items():
            if (field.alias or name) == location[-1] and field.description:
                text = " ".join(field.description.split()).removesuffix(".")
                return text[0].lower() + text[1:]
    return ""


def source_types() -> list[str]:
    """Give the types that a source may have."""
    union = WorkflowSpec.model_fields["sources"].annotation
    return sorted(tag for member in _members(get_args(union)[1]) if (tag := _tag(member)))


def is_resolved_at(location: Location, *, references: bool = False) -> bool:
    """Tell whether the text at the location may hold templates, or ``references`` as well."""
    *inside, key = location
    fields = (
        field
        for each in _models_at(tuple(inside), WorkflowSpec)
        for name, field in each.model_fields.items()
        if (field.alias or name) == key
    )
    return any(is_resolved(field.annotation, field.metadata, references=references) for field in fields)


def resolved_fields(*, references: bool) -> list[str]:
    """Give what may hold templates, or ``references`` as well, as messages say it: ``path of a file source``."""
    places: list[tuple[str, Location]] = [(f"a {kind} source", ("sources", "", kind)) for kind in source_types()]
    places += [("wait_for", ("wait_for", 0)), ("approve", ("steps", 0, "approve")), ("schedule", ("schedule", "file"))]
    found = [
        f"{name} of {place}"
        for place, location in places
        for each in _models_at(location, WorkflowSpec)
        for name, field in each.model_fields.items()
        if is_resolved(field.annotation, field.metadata, references=references)
    ]
    return list(dict.fromkeys(found))


def _models_at(location: Location, model: type[BaseModel]) -> list[type[BaseModel]]:
    found: list[Any] = [model]
    for item in location:
        found = [inner for each in found for inner in _step(each, item)]
    members = [member for each in found for member in _members(each) or (each,)]
    return [each for each in map(_bare, members) if isinstance(each, type) and issubclass(each, BaseModel)]


def _step(annotation: Any, item: str | int) -> Iterator[Any]:
    inner = _bare(annotation)
    members = _members(inner)
    if members:
        tagged = [member for member in members if _tag(member) == item]
        yield from tagged or [each for member in members for each in _step(member, item)]
    elif isinstance(inner, type) and issubclass(inner, BaseModel):
        yield from (field.annotation for name, field in inner.model_fields.items() if (field.alias or name) == item)
    elif get_origin(inner) is dict:
        yield get_args(inner)[1]
    elif get_origin(inner) in (tuple, list):
        yield get_args(inner)[0]


def _bare(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return annotation


def _members(annotation: Any) -> tuple[Any, ...]:
    inner = _bare(annotation)
    return get_args(inner) if get_origin(inner) in (Union, types.UnionType) else ()


def _tag(member: Any) -> str | None:
    """Give by which word a union knows its member: a `Tag`, or the one value of its ``type``."""
    if get_origin(member) is Annotated:
        return next((each.tag for each in get_args(member)[1:] if isinstance(each, Tag)), None)
    field = getattr(member, "model_fields", {}).get("type")
    literal = field.annotation if field is not None else None
    return str(get_args(literal)[0]) if get_origin(literal) is Literal else None

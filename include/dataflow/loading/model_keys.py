"""Which keys the config model knows at a place; asked only when something is wrong there."""

from __future__ import annotations

import types
from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag

from dataflow.attribute_docstrings import attribute_docstrings
from dataflow.spec.resolved import Resolved, is_resolved, mark_of
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["description_of", "keys_at", "mark_at", "resolved_fields", "source_types", "types_at"]

Location = tuple[str | int, ...]
"""A path as pydantic gives it: keys, positions in lists, and tags of unions."""

NEVER_WRITTEN = frozenset({"name"})
"""Keys of the root that come from elsewhere: the folder's name."""


def keys_at(location: Location, model: type[BaseModel] = WorkflowSpec) -> list[str]:
    """Give the keys of the mapping at the location; none where it is free."""
    keys = {
        field.alias or name.removesuffix("_")  # within a model that holds itself, pydantic forgets the alias
        for each in _models_at(location, model)
        for name, field in each.model_fields.items()
    }
    return sorted(keys if location else keys - NEVER_WRITTEN)


def description_of(location: Location, model: type[BaseModel] = WorkflowSpec) -> str:
    """Give what the model says of a key, as the end of a sentence."""
    for each in _models_at(location[:-1], model):
        for name, field in each.model_fields.items():
            said = field.description or attribute_docstrings(each).get(name)
            if (field.alias or name) == location[-1] and said:
                text = " ".join(said.split()).removesuffix(".").replace("``", "`")
                return text[0].lower() + text[1:]
    return ""


def source_types() -> list[str]:
    """Give the types that a source may have."""
    return types_at(("sources", ""))


def types_at(location: Location) -> list[str]:
    """Give the types that what stands at the location may have, where its key ``type`` chooses one."""
    found: list[Any] = [WorkflowSpec]
    for item in location:
        found = [inner for each in found for inner in _step(each, item)]
    return sorted(tag for each in found for member in _flat(each) if (tag := _tag(member)))


def mark_at(location: Location) -> Resolved | None:
    """Give what the model says of templates and references in the text at the location; None where it takes none.

    A mark on a mapping or a list is about every text in it.
    """
    for end, key in enumerate(location):
        for each in _models_at(location[:end], WorkflowSpec):
            for name, field in each.model_fields.items():
                mark = mark_of(field.annotation, field.metadata) if (field.alias or name) == key else None
                if mark is not None:
                    return replace(mark, secret=mark.is_secret(location[end + 1 :]))
    return None


def resolved_fields(*, references: bool) -> list[str]:
    """Give what may hold templates, or ``references`` as well, as messages say it: ``path of a file source``."""
    places: list[tuple[str, Location]] = [(_source_of(kind), ("sources", "", kind)) for kind in source_types()]
    places += [("wait_for", ("wait_for", 0)), ("approve", ("steps", 0, "approve")), ("schedule", ("schedule", "file"))]
    places.append(("publish", ("publish",)))
    found = {
        place: [
            field.alias or name
            for each in _models_at(location, WorkflowSpec)
            for name, field in each.model_fields.items()
            if is_resolved(field.annotation, field.metadata, references=references) or _holds_marks((*location, name))
        ]
        for place, location in places
    }
    return [f"{', '.join(dict.fromkeys(names))} of {place}" for place, names in found.items() if names]


def _holds_marks(location: Location) -> bool:
    fields = (field for each in _models_at(location, WorkflowSpec) for field in each.model_fields.values())
    return any(is_resolved(field.annotation, field.metadata) for field in fields)


def _source_of(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind} source"


def _models_at(location: Location, model: type[BaseModel]) -> list[type[BaseModel]]:
    found: list[Any] = [model]
    for item in location:
        found = [inner for each in found for inner in _step(each, item)]
    members = [member for each in found for member in _flat(each)]
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


def _flat(annotation: Any) -> Iterator[Any]:
    """Give the members of a union, and of those within it."""
    members = _members(annotation)
    if not members:
        yield annotation
    for each in members:
        yield from _flat(each)


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

"""Which texts of the config hold ``{{ }}`` and ``${ }``: the model marks them, and everything else asks the model.

A mark on a mapping or a list is about every text in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel

from dataflow.spec.base import Sql, Text

__all__ = [
    "ReferringText",
    "RenderedSql",
    "Resolved",
    "ResolvedText",
    "SecretText",
    "Steps",
    "is_resolved",
    "mark_of",
    "resolved_texts",
    "secret_texts",
    "with_texts",
]

Steps = tuple[str | int, ...]
Part = TypeVar("Part", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Resolved:
    """The mark: templates are rendered and references resolved, in the task that needs the text."""

    references: bool = True
    """False where templates alone are."""
    templates: bool = True
    """False where references alone are."""
    secret: bool = False
    """Whether what it gives is masked everywhere; a literal there is an error."""
    unless: Callable[[str], bool] | None = None
    """Of a mapping whose values are secret: tells by its key which one is none."""

    def is_secret(self, inside: Steps = ()) -> bool:
        """Tell whether the text is secret; ``inside`` is where in the marked value it stands."""
        return self.secret and not (self.unless is not None and bool(inside) and self.unless(str(inside[0])))


ResolvedText = Annotated[Text, Resolved()]
"""Text with templates and references; what they give is no secret."""
SecretText = Annotated[Text, Resolved(secret=True)]
"""Text with templates and references that nobody may read: a password, a token, a URL with a login."""
ReferringText = Annotated[Text, Resolved(templates=False)]
"""Text with references alone, read where there is no run yet."""
RenderedSql = Annotated[Sql, Resolved(references=False)]
"""A query with templates; a value goes through the filter ``sql``."""


def mark_of(annotation: Any, metadata: Iterable[Any] = ()) -> Resolved | None:
    """Give the mark of a field, pydantic's metadata beside its annotation; also one inside of a union."""
    own = next((each for each in metadata if isinstance(each, Resolved)), None)
    if own is not None:
        return own
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return mark_of(inner, marks)
    found = (mark_of(each) for each in get_args(annotation) if get_origin(each) is Annotated)
    return next((mark for mark in found if mark is not None), None)


def is_resolved(annotation: Any, metadata: Iterable[Any] = (), *, references: bool = False) -> bool:
    """Tell whether a field of this annotation, pydantic's metadata beside it, is marked; also inside of a union.

    Args:
        annotation: Of the field.
        metadata: Its marks, where pydantic took them from the annotation.
        references: Ask for those with references; else for those with templates.
    """
    mark = mark_of(annotation, metadata)
    return mark is not None and (mark.references if references else mark.templates)


def resolved_texts(part: BaseModel) -> list[tuple[Steps, str]]:
    """Give every marked text of a part of the config, and where in it that stands."""
    return [(steps, text) for steps, text, _ in _marked_texts(part)]


def secret_texts(part: BaseModel) -> list[tuple[Steps, str]]:
    """Give every text of a part of the config that nobody may read, and where in it that stands."""
    return [(steps, text) for steps, text, is_secret in _marked_texts(part) if is_secret]


def _marked_texts(part: BaseModel) -> list[tuple[Steps, str, bool]]:
    found: list[tuple[Steps, str, bool]] = []

    def keep(steps: Steps, text: str, is_secret: bool) -> str:
        found.append((steps, text, is_secret))
        return text

    with_texts(part, keep)
    return found


def with_texts(part: Part, given: Callable[[Steps, str, bool], str], steps: Steps = ()) -> Part:
    """Give a copy of a part of the config in which each marked text is what ``given`` gives for it.

    ``given`` takes where the text stands, the text, and whether it is secret.
    """
    changed: dict[str, Any] = {}
    for name, key, mark in _fields_of(type(part)):
        value, place = getattr(part, name), (*steps, key)
        if isinstance(value, BaseModel):
            changed[name] = with_texts(value, given, place)
        elif mark is not None:
            changed[name] = _within(value, mark, given, place, ())
    return part.model_copy(update=changed)


@cache
def _fields_of(model: type[BaseModel]) -> tuple[tuple[str, str, Resolved | None], ...]:
    """Give name, key and mark of each field; of thousands of sources that a parse reads, there are few models."""
    return tuple(
        (name, field.alias or name, mark_of(field.annotation, field.metadata))
        for name, field in model.model_fields.items()
    )


def _within(value: Any, mark: Resolved, given: Callable[[Steps, str, bool], str], steps: Steps, inside: Steps) -> Any:
    if isinstance(value, str):
        return given((*steps, *inside), value, mark.is_secret(inside))
    if isinstance(value, dict):
        return {key: _within(each, mark, given, steps, (*inside, key)) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_within(each, mark, given, steps, (*inside, index)) for index, each in enumerate(value)]
    return value

"""Which texts of the config hold ``{{ }}`` and ``${ }``: the model marks them, and everything else asks the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from dataflow.spec.base import Sql, Text

__all__ = ["ReferringText", "RenderedSql", "Resolved", "ResolvedText", "SecretText", "is_resolved"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The mark: templates are rendered and references resolved, in the task that needs the text."""

    references: bool = True
    """False where templates alone are."""
    templates: bool = True
    """False where references alone are."""
    secret: bool = False
    """Whether what it gives is masked everywhere; a literal there is an error."""


ResolvedText = Annotated[Text, Resolved()]
"""Text with templates and references; what they give is no secret."""
ReferringText = Annotated[Text, Resolved(templates=False)]
"""Text with references alone, read where there is no run yet."""
SecretText = Annotated[Text, Resolved(secret=True)]
"""Text with templates and references that nobody may read: a password, a token, a URL with a login."""
RenderedSql = Annotated[Sql, Resolved(references=False)]
"""A query with templates; a value goes through the filter ``sql``."""


def is_resolved(annotation: Any, metadata: Iterable[Any] = (), *, references: bool = False) -> bool:
    """Tell whether a field of this annotation, pydantic's metadata beside it, is marked; also inside of a union.

    Args:
        annotation: Of the field.
        metadata: Its marks, where pydantic took them from the annotation.
        references: Ask for those with references; else for those with templates.
    """
    marks = [each for each in metadata if isinstance(each, Resolved)]
    if any(each.references if references else each.templates for each in marks):
        return True
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return is_resolved(inner, metadata, references=references)
    return any(
        is_resolved(each, references=references) for each in get_args(annotation) if get_origin(each) is Annotated
    )

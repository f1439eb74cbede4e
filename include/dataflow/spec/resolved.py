"""Which texts of the config hold ``{{ }}`` and ``${ }``: the model marks them, and everything else asks the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, get_args, get_origin

from dataflow.spec.base import Text

__all__ = ["Resolved", "ResolvedText", "is_resolved"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The mark: templates are rendered and references resolved, in the task that needs the text."""


ResolvedText = Annotated[Text, Resolved()]
"""Text with templates and references; what they give is no secret."""


def is_resolved(annotation: Any, metadata: Iterable[Any] = ()) -> bool:
    """Tell whether a field of this annotation, pydantic's metadata beside it, is marked; also inside of a union."""
    if any(isinstance(each, Resolved) for each in metadata):
        return True
    if get_origin(annotation) is Annotated:
        inner, *marks = get_args(annotation)
        return is_resolved(inner, marks)
    return any(is_resolved(each) for each in get_args(annotation) if get_origin(each) is Annotated)

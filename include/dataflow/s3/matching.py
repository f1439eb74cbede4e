"""Objects whose keys match a pattern, read as on a disk: ``*`` stays within one folder, ``**`` does not."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dataflow.s3 import objects
from dataflow.s3.objects import StoredObject
from dataflow.s3.place import S3Place

__all__ = ["matching", "there_is"]

_SPECIAL = re.compile(r"[*?\[]")
_PART = re.compile(r"\*+|\?|\[!?\]?[^\]]*\]|.", re.DOTALL)


def matching(place: S3Place) -> Iterator[StoredObject]:
    """Give the objects whose keys match the place's, by name; what only marks a folder is left out."""
    begins = _SPECIAL.split(place.key, maxsplit=1)[0]
    form = _regex(place.key)
    for found in objects.list_below(place, begins=begins):
        if form.fullmatch(found.place.key) and not found.place.key.endswith("/"):
            yield found


def there_is(place: S3Place) -> bool:
    """Tell whether any object matches."""
    if _SPECIAL.search(place.key) is None:
        return objects.exists(place)
    return next(matching(place), None) is not None


def _regex(pattern: str) -> re.Pattern[str]:
    *folders, name = pattern.split("/")
    return re.compile("".join(_folder(each) for each in folders) + _name(name))


def _folder(pattern: str) -> str:
    return "(?:[^/]+/)*" if pattern == "**" else f"{_name(pattern)}/"


def _name(pattern: str) -> str:
    if pattern == "**":
        return ".*"
    return "".join(_part(each) for each in _PART.findall(pattern))


def _part(part: str) -> str:
    if part.startswith("*"):
        return "[^/]*"
    if part == "?":
        return "[^/]"
    if part.startswith("[") and len(part) > 2:
        inner = part[1:-1]
        negated = inner.startswith("!")
        inside = inner.removeprefix("!").replace("\\", r"\\").replace("[", r"\[").replace("]", r"\]")
        return f"(?!/)[{'^' if negated else ''}{inside}]"
    return re.escape(part)

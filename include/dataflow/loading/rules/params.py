"""Params: a default is a value that the param itself would take."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from dataflow.loading.messages import shown
from dataflow.loading.rules.patterns import fault_of_pattern
from dataflow.loading.rules.subject import Finding, Findings, Steps, Subject
from dataflow.spec.params import FORMS, Param

__all__ = ["misfits", "param_defaults_fit"]

_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
}
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_EXAMPLES = {
    "date": "2025-01-31",
    "date-time": "2025-01-31T13:00:00Z",
    "time": "13:00:00",
    "email": "ada@example.com",
    "uri": "https://example.com/",
}


def param_defaults_fit(subject: Subject) -> Findings:
    """Check each param's pattern, and its default against everything that it says of itself; null always fits."""
    for name, param in subject.spec.params.items():
        steps: Steps = ("params", name)
        if param.pattern is not None and (fault := fault_of_pattern(param.pattern)):
            yield Finding((*steps, "pattern"), f"{shown(param.pattern)} {fault}")
        elif param.default is not None:
            for misfit in misfits(param, param.default):
                yield Finding((*steps, "default"), f"the default {shown(param.default)} {misfit}")


def misfits(param: Param, value: Any) -> Iterator[str]:
    """Give everything that keeps a value, which is not null, from being one of the param: ``is not in `enum```."""
    is_of_type = isinstance(value, _PYTHON_TYPES[param.type]) and (
        param.type == "boolean" or not isinstance(value, bool)
    )
    if not is_of_type:
        yield f"is not of type {param.type}"
        return
    if param.enum is not None and value not in param.enum:
        yield "is not in `enum`"
    if isinstance(value, (int, float)):
        if param.minimum is not None and value < param.minimum:
            yield "is less than `minimum`"
        if param.maximum is not None and value > param.maximum:
            yield "is more than `maximum`"
    if isinstance(value, str):
        yield from _misfits_of_text(param, value)


def _misfits_of_text(param: Param, value: str) -> Iterator[str]:
    if param.min_length is not None and len(value) < param.min_length:
        yield "is shorter than `minLength`"
    if param.max_length is not None and len(value) > param.max_length:
        yield "is longer than `maxLength`"
    if param.pattern is not None and len(value) <= 200 and not re.search(param.pattern, value):
        yield "does not match `pattern`"
    if param.format in _EXAMPLES and not _is_of_format(value, param.format):
        yield f"is no {param.format} such as {_EXAMPLES[param.format]}"


def _is_of_format(value: str, name: str) -> bool:
    """Judge as Airflow will when a run is started."""
    try:
        if name == "date":
            return _DAY.fullmatch(value) is not None and date.fromisoformat(value) is not None
        if name == "time":
            return datetime.strptime(value, "%H:%M:%S") is not None  # noqa: DTZ007  # a time of day
    except ValueError:
        return False
    return re.search(FORMS[name], value) is not None

"""What pydantic found, in our words and at its place in the YAML."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from pydantic import BaseModel, ValidationError

from dataflow.errors import Problem
from dataflow.loading.model_keys import Location, description_of, keys_at, mark_at, types_at
from dataflow.loading.yaml_document import MAX_PROBLEMS, Node, dotted
from dataflow.near_miss import did_you_mean, known_words
from dataflow.spec.base import NAME_PATTERN
from dataflow.spec.notify import ADDRESS_PATTERN, CONNECTION_PATTERN
from dataflow.spec.people import LINK_PATTERN
from dataflow.spec.retries import ERROR_PATTERN
from dataflow.spec.sources.api import RATE_PATTERN
from dataflow.spec.sources.base import DOTTED_PATTERN
from dataflow.spec.workflow import WorkflowSpec

__all__ = ["problem_at", "problems_of", "shown"]

MAX_SHOWN = 40
MOST_KEYS = 40
"""Of one mapping; whoever knows none of them needs to see all."""
KEYS_ELSEWHERE = {
    "alerts": "notify",
    "checks": "validate",
    "cron": "schedule",
    "depends_on": "wait_for",
    "endpoint": "url",
    "jobs": "steps",
    "path": "url",
    "schedule_interval": "schedule",
    "sql": "query",
    "task_groups": "steps",
    "tasks": "steps",
    "tests": "validate",
    "transformations": "transform",
    "variables": "params",
}
"""What dag-factory, dbt and others call what is called so here."""
SECRET_WORDS = ("password", "secret", "token", "key")
"""In the name of a key whose value no message shows."""

_NAME_FORM = "a name (lower case letters, digits and _, from a letter on, 2 to 63 long)"
_PATTERNS = {
    NAME_PATTERN: _NAME_FORM,
    ADDRESS_PATTERN: "an address such as ada@example.com",
    CONNECTION_PATTERN: "the id of an Airflow connection",
    RATE_PATTERN: "a rate such as 5/s or 100/m",
    DOTTED_PATTERN: "keys joined by dots, such as data.items",
    LINK_PATTERN: "a link that begins with https://, http:// or mailto:",
    ERROR_PATTERN: "the name of an error such as ContractError or httpx.ReadTimeout",
    r"^[0-9]+(\.[0-9]+)?%$": "a share such as 1%",
    r"^[a-z][a-z0-9_]*\.[A-Za-z_][A-Za-z0-9_]*$": "<table>.<column>",
    r"^[a-z][a-z0-9_]{1,62}\.[a-z][a-z0-9_]*$": "<workflow>.<table>",
    r"^[a-z]+/[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$": "an asset such as warehouse/shop/daily_sales",
    r"^[a-z][a-z0-9_.]*$": "lower case words joined by dots",
    r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$": "<module>:<function>",
}
_TAGGED = {"sources": (2, 4), "schedule": (1,)}
"""Where in a location of pydantic's a tag stands."""
_TAGGED_KEYS = (("auth",), ("pagination",))
"""The keys of a source whose values have a type of their own."""
_NOUNS = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}


_SHAPES = {
    "columns": "{id: BIGINT}",
    "sources": "{orders: {type: file, path: orders.csv, format: csv}}",
    "validate": "{orders: [{not_null: id}]}",
    "transform": "{orders: [deduplicate]}",
    "load": "{orders: {mode: append}}",
}
"""Of the mappings that are most often written as lists."""


def problems_of(error: ValidationError, root: Node, *, model: type[BaseModel] = WorkflowSpec) -> list[Problem]:
    """Give one problem for each place that pydantic complains about; ``model`` is what it compared with."""
    by_place: dict[Location, list[Any]] = {}
    found = error.errors(include_url=False, include_context=True, include_input=False)
    for each in found:
        if each["type"] == "too_short" and any(
            len(other["loc"]) > len(each["loc"]) and other["loc"][: len(each["loc"])] == each["loc"] for other in found
        ):
            continue  # pydantic counts only the items that are right
        is_of_a_key = each["type"] in ("missing", "extra_forbidden") or each["loc"][-1:] == ("[key]",)
        place = each["loc"] if is_of_a_key else _written_steps(root, _without_tags(each["loc"]))
        by_place.setdefault(place, []).append(each)
    return [_problem(errors, root, model) for errors in islice(by_place.values(), MAX_PROBLEMS)]


def problem_at(root: Node, location: Location, message: str, *, hint: str = "", on_key: bool = False) -> Problem:
    """Make a problem at the place in the YAML that the model calls by this location, tags of unions left out.

    Where it is not written itself, the place is the key of what encloses it.
    """
    steps = _written_steps(root, location, missing=True)
    exact = root.at(steps)
    node = exact or next(found for end in range(len(steps), -1, -1) if (found := root.at(steps[:end])) is not None)
    place = (node.key_line, node.key_column) if on_key or exact is None else (node.line, node.column)
    return Problem(node.path, *place, dotted(steps), _one_line(message), _one_line(hint))


def shown(value: object, steps: Sequence[str | int] = ()) -> str:
    """Give a value as messages show it: short, and never a secret."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, (list, tuple)):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if any(word in str(steps[-1]).lower() for word in SECRET_WORDS) if steps else False:
        return "a value that is not shown"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 4] + "..." + text[-1]


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _without_tags(location: Location) -> Location:
    """Leave out by which word a union knew its member: the type of a source, the form of a schedule."""
    for index in sorted(_TAGGED.get(str(location[0]), ()), reverse=True) if location else ():
        is_tagged = index < 4 or location[index - 1 : index] in _TAGGED_KEYS
        if is_tagged and location[index : index + 1] != ("[key]",):
            location = (*location[:index], *location[index + 1 :])
    return location


def _written_steps(root: Node, location: Location, *, missing: bool = False) -> tuple[str | int, ...]:
    """Leave out of a location what is only in the model: what a short form stands for, members of unions.

    Args:
        root: The config.
        location: As the model calls it, tags left out.
        missing: Whether what would stand in a mapping, but is not written, counts.
    """
    steps: list[str | int] = []
    node = root
    for index, item in enumerate(location):
        inner = node.at((item,))
        if inner is not None:
            steps.append(item)
            node = inner
        elif missing and isinstance(item, str) and isinstance(node.value, dict):
            return (*steps, *location[index:])
    return tuple(steps)


def _problem(errors: list[Any], root: Node, model: type[BaseModel]) -> Problem:
    """Make one problem of the errors at one place; there are several where a union fails."""
    kind = errors[0]["type"]
    location = _without_tags(errors[0]["loc"])
    if kind == "missing":
        return problem_at(root, location, "required key is missing", hint=description_of(errors[0]["loc"], model))
    if kind == "extra_forbidden":
        return problem_at(root, location, "unknown key", hint=_nearest_key(errors[0]["loc"], model), on_key=True)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_type(root, location)
    if location[-1:] == ("[key]",):
        message = f"expected {_expected(errors)}, found {shown(location[-2])}"
        return problem_at(root, location[:-1], message, on_key=True)
    return _wrong_value(errors, root, location=_written_steps(root, location))


def _wrong_value(errors: list[Any], root: Node, *, location: Location) -> Problem:
    first = errors[0]
    node = root.at(location) or root
    is_mapping = isinstance(node.value, dict)
    if first["type"] == "value_error" and len(errors) == 1:
        message, _, hint = str(first["ctx"]["error"]).partition("; ")
    elif first["type"] in ("too_short", "string_too_short"):
        message, hint = "it is empty", ""
    elif (mark := mark_at(first["loc"])) is not None and mark.secret:
        message, hint = "expected text, found a value that is not shown", "write ${NAME}, and set NAME where tasks run"
    else:
        message = f"expected {_expected(errors)}, found {shown(node.value, location)}"
        hint = _other_shape(first["type"], node.value, location) or _way_out(first, node.value)
    return problem_at(root, location, message, hint=hint, on_key=is_mapping)


def _expected(errors: list[Any]) -> str:
    """Join what each member of a union would take."""
    return " or ".join(dict.fromkeys(_noun(each) for each in errors))


def _noun(error: Any) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _NOUNS:
        return _NOUNS[kind]
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"text like {context['pattern']}")
    if kind == "literal_error":
        return str(context["expected"]).replace("'", "")
    if kind.startswith("date_"):
        return "a date such as 2025-01-01"
    bounds = {"greater_than_equal": ("at least", "ge"), "less_than_equal": ("at most", "le")}
    if kind in bounds:
        words, name = bounds[kind]
        return f"{words} {context[name]}"
    text = str(context["error"]) if kind == "value_error" else str(error["msg"])
    return text.partition("; ")[0].removeprefix("Input should be ").lower()


def _other_shape(kind: str, value: object, location: Location) -> str:
    """Show how a list is written where there is a mapping, and a mapping where there is a list."""
    if isinstance(value, dict) and _NOUNS.get(kind) == "a list":
        return "begin each item with `- `" + (", as in - not_null: id" if location[:1] == ("validate",) else "")
    if isinstance(value, list) and _NOUNS.get(kind) == "a mapping":
        key = str(location[-1]) if location else ""
        return "write `key: value` without `- `" + (f", as in {key}: {_SHAPES[key]}" if key in _SHAPES else "")
    return ""


def _way_out(error: Any, value: object) -> str:
    kind = error["type"]
    if kind == "literal_error" and isinstance(value, str):
        return did_you_mean(value, str(error["ctx"]["expected"]).replace("'", "").replace(" or ", ", ").split(", "))
    if kind == "string_type" and isinstance(value, (int, float)):
        return "put it in quotes"
    if kind == "int_type" and isinstance(value, str) and value.isdecimal():
        return "write it without quotes"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in ("yes", "no", "on", "off", "true", "false"):
        return "write it lower case and without quotes: " + (
            "true" if value.lower() in ("yes", "on", "true") else "false"
        )
    return ""


def _nearest_key(location: Location, model: type[BaseModel]) -> str:
    *inside, key = location
    return known_words(str(key), keys_at(tuple(inside), model), most=MOST_KEYS, others=KEYS_ELSEWHERE)


def _wrong_type(root: Node, location: Location) -> Problem:
    node = root.at(location)
    written = node.at(("type",)) if node is not None else None
    types = types_at(location)
    location = (*location, "type")
    if written is None:
        return problem_at(root, location, "required key is missing", hint=f"one of: {', '.join(types)}")
    hint = known_words(str(written.value), types, what="one of")
    return problem_at(root, location, f"unknown type {shown(written.value)}", hint=hint)

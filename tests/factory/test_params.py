"""A value is a param's or it is not: whoever judges, Airflow, ``dataflow workflow run`` or the loader."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk import Param
from airflow.sdk.exceptions import ParamValidationError
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.errors import InputError
from dataflow.loading.callables import Modules
from dataflow.loading.rules.params import param_defaults_fit
from dataflow.loading.rules.subject import Subject
from dataflow.runtime.params import params_of
from dataflow.spec import params as spec
from kit.runs import make_workflow

DEFINITIONS: list[dict[str, Any]] = [
    {"type": "string"},
    {"type": "string", "enum": ["s", "m"]},
    {"type": "string", "minLength": 2, "maxLength": 4},
    {"type": "string", "pattern": "^[a-c]+$"},
    *({"type": "string", "format": name} for name in ("date", "date-time", "time", "email", "uri", "multiline")),
    {"type": "integer", "minimum": 1, "maximum": 5},
    {"type": "number", "minimum": 0.5},
    {"type": "boolean"},
    {"type": "array"},
    {"type": "object"},
]
TEXTS = ["", "s", "abc", "abcde", "2025-01-31", "2025-02-30", "20250131", "2025-W01-1", "2025-01-31T13:00:00Z"]
TEXTS += ["2025-01-31 13:00", "13:00:00", "13:00", "noon", "ada@example.com", "https://example.com/", "a\nb", "1"]
VALUES = [*TEXTS, 0, 1, 5, 6, -1, 0.5, 0.4, True, False, [], ["a"], {}, {"a": 1}]


def airflow_takes(param: spec.Param, value: Any) -> bool:
    try:
        Param(value, **spec.param_schema(param)).resolve()
    except ParamValidationError:
        return False
    return True


def a_local_run_takes(definition: dict[str, Any], value: Any) -> bool:
    try:
        params_of(make_workflow(params={"given": definition}).spec, {"given": value})
    except InputError:
        return False
    return True


def the_loader_takes(definition: dict[str, Any], default: Any) -> bool:
    workflow = make_workflow(params={"given": {**definition, "default": default}})
    modules = Modules(workflow.project, "include/workflows/shop")
    return not list(param_defaults_fit(Subject(workflow.spec, workflow.project, (), modules, None)))


@settings(deadline=None, max_examples=300)
@given(definition=st.sampled_from(DEFINITIONS), value=st.sampled_from(VALUES) | st.text(max_size=12))
def test_airflow_a_local_run_and_the_loader_judge_alike(definition: dict[str, Any], value: Any) -> None:
    required = spec.Param.model_validate({**definition, "default": value})

    taken = airflow_takes(required, value)

    assert taken == the_loader_takes(definition, value)
    assert taken == a_local_run_takes(definition, value)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_a_null_default_makes_a_param_nullable_everywhere(definition: dict[str, Any]) -> None:
    param = spec.Param.model_validate(definition)

    assert airflow_takes(param, None)
    assert a_local_run_takes(definition, None)
    assert the_loader_takes(definition, None)


def test_what_the_trigger_form_shows_reaches_it() -> None:
    shown = {"examples": ["s", "m"], "values_display": {"s": "small"}, "section": "Sizes", "title": "Size"}

    schema = spec.param_schema(spec.Param.model_validate({"type": "string", "default": "s", **shown}))

    assert shown == {name: schema[name] for name in shown}


def test_items_of_an_array_are_judged() -> None:
    param = spec.Param.model_validate({"type": "array", "items": {"type": "string"}, "default": []})

    assert airflow_takes(param, ["a"])
    assert not airflow_takes(param, [1])

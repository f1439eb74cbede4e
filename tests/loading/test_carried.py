from __future__ import annotations

import json
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import ConfigError, DataflowError, Problem
from dataflow.loading.carried import carry, format_import_error, parse_import_error
from dataflow.loading.yaml_document import dotted
from dataflow.spec.workflow import WorkflowSpec
from kit.project import Project

words = st.text("abcXYZ09_ `'\".{}$()é", min_size=1, max_size=30).map(str.strip).filter(bool)
keys = st.lists(
    st.one_of(st.integers(0, 9), st.text(st.characters(exclude_categories=["Cs"]), max_size=8)), max_size=4
).map(dotted)
problems = st.builds(
    Problem,
    path=st.from_regex(r"include/workflows/[a-z]{2,9}/config\.yaml", fullmatch=True),
    line=st.integers(1, 9999),
    column=st.integers(1, 9999),
    key=keys,
    message=words,
    hint=st.one_of(st.just(""), words),
)


def fail(given_problems: list[Problem]) -> None:
    raise DataflowError(format_import_error(given_problems))


@given(st.lists(problems, max_size=5))
def test_an_import_error_is_read_back(given_problems: list[Problem]) -> None:
    assert tuple(sorted(given_problems)) == parse_import_error(format_import_error(given_problems))


@given(st.lists(problems, min_size=1, max_size=5))
def test_an_import_error_is_read_back_out_of_a_traceback(given_problems: list[Problem]) -> None:
    try:
        fail(given_problems)
    except DataflowError:
        text = traceback.format_exc() + "\nsomething that Airflow appends\n"

    assert tuple(sorted(given_problems)) == parse_import_error(text)


@given(st.text())
def test_other_import_errors_are_passed_over(text: str) -> None:
    assert () == parse_import_error(text)


def test_an_import_error_begins_as_the_page_expects(project: Project) -> None:
    project.write_workflow("shop", "ownr: x\n")

    with pytest.raises(ConfigError) as raised:
        project.workflow("shop")

    text = format_import_error(raised.value.problems)
    assert text.startswith("\ndataflow: 4 problems\ninclude/workflows/shop/config.yaml:1:1: ")
    assert raised.value.problems == parse_import_error(text)


def test_what_is_carried_is_json_and_reads_back_to_the_same_spec(project: Project) -> None:
    project.write_workflow("events")
    workflow = project.workflow("events")

    carried = json.loads(json.dumps(carry(workflow)))

    assert workflow.spec == WorkflowSpec.from_public(carried["spec"])
    assert {"spec", "models", "config_hash", "manifest"} == set(carried)

from __future__ import annotations

import pytest

from dataflow.modelling.dbt_error import problem_of
from kit.project import Project

MESSAGES = {
    "a reference": (
        "Compilation Error\n  Model 'model.dataflow.a' (models/shop/a.sql) depends on a node named 'b'",
        ("dbt/models/shop/a.sql", 1),
    ),
    "jinja": (
        "Compilation Error in model a (models/shop/deep/a.sql)\n  unexpected '}', expected ')'\n    line 3\n      x",
        ("dbt/models/shop/deep/a.sql", 3),
    ),
    "no yaml": (
        "Parsing Error\n  Error reading dataflow: deep/shop.yml - Runtime Error\n    Syntax error near line 3\n",
        ("dbt/models/shop/deep/shop.yml", 3),
    ),
    "no file": ("Env var required but not provided: 'X' on line 4", ("dbt/models/shop", 1)),
}


@pytest.mark.parametrize(("message", "expected"), MESSAGES.values(), ids=MESSAGES)
def test_the_file_and_line_of_dbts_message_are_the_problems(project: Project, message, expected):
    problem = problem_of(message, settings=project.settings(), workflow="shop")

    assert expected == (problem.path, problem.line)


def test_a_problem_is_one_bounded_line(project: Project):
    problem = problem_of("Oh\n no\n" * 1_000, settings=project.settings(), workflow="shop")

    assert "\n" not in str(problem)
    assert len(str(problem)) < 800

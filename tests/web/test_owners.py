"""Whose a problem is."""

from __future__ import annotations

import pytest

from dataflow.errors import Problem
from dataflow.web.owners import workflow_of


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("include/workflows/shop/config.yaml", "shop"),
        ("include/workflows/shop/config.prod.yaml", "shop"),
        ("include/workflows/shop/data/orders/one.csv", "shop"),
        ("dbt/models/shop/daily_sales.sql", "shop"),
        ("include/workflows/defaults.yaml", None),
        ("include/templates/shop.yaml", None),
        ("include/pipelines/shop/orders.py", None),
        ("dbt/dbt_project.yml", None),
        ("dbt/macros/shop/names.sql", None),
        (".env", None),
    ],
)
def test_a_problem_is_the_workflows_whose_file_it_is_in(path: str, owner: str | None):
    """What several workflows share is nobody's: it takes the right to read all import errors."""
    assert owner == workflow_of(Problem(path, 1, 1, "", "wrong"))

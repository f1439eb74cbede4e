from __future__ import annotations

import pytest

from dataflow.service.recompile import ModelWatch


@pytest.fixture
def watch(project):
    project.write_workflow("shop")
    project.write_model("shop", "orders", "select 1 as n")
    return ModelWatch(project.settings())


def test_nothing_is_due_while_nothing_changes(watch):
    assert not watch.is_due()


@pytest.mark.parametrize(
    "path",
    [
        "dbt/models/shop/orders.sql",
        "dbt/macros/new.sql",
        "include/workflows/new/config.yaml",
        "include/templates/daily_files.yaml",
    ],
)
def test_a_change_is_due_once_it_was_still_for_one_look(project, watch, path):
    project.write_file(path, "select 2 as n, 'changed' as what")

    assert [False, True, False] == [watch.is_due() for _ in range(3)]


def test_a_removed_model_is_a_change(project, watch):
    (project.root / "dbt/models/shop/orders.sql").unlink()

    assert [False, True, False] == [watch.is_due() for _ in range(3)]


@pytest.mark.parametrize(
    "path",
    ["dbt/models/shop/_sources.yml", "dbt/target/manifests/shop-1.json", "include/workflows/shop/data/orders.csv"],
)
def test_what_compiling_and_running_write_is_no_change(project, watch, path):
    project.write_file(path, "written")

    assert not any(watch.is_due() for _ in range(3))

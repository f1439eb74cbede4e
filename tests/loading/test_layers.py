from __future__ import annotations

from dataflow.loading.layers import merge, read_layers
from dataflow.loading.load import load_workflow
from dataflow.loading.yaml_document import Node, read_document
from kit.project import MOCK_CONFIG, Project


def tree(text: str, path: str = "config.yaml") -> Node:
    root, problems = read_document(text.encode(), path)

    assert [] == problems
    assert root is not None
    return root


def test_mappings_merge_and_lists_replace() -> None:
    lower, upper = tree("a: {x: 1, y: 2}\nl: [1, 2]"), tree("a: {y: 3, z: 4}\nl: [5]")

    assert {"a": {"x": 1, "y": 3, "z": 4}, "l": [5]} == merge(lower, upper).plain()


def test_tags_add_up_without_repeating() -> None:
    lower, upper = tree("tags: [house, sales]"), tree("tags: [sales, daily]")

    assert {"tags": ["house", "sales", "daily"]} == merge(lower, upper).plain()


def test_another_type_replaces_the_source() -> None:
    lower = tree("sources: {orders: {type: file, path: a.csv, description: Orders}}")
    upper = tree("sources: {orders: {type: mock, rows: 5}}")

    assert {"sources": {"orders": {"type": "mock", "rows": 5}}} == merge(lower, upper).plain()


def test_the_same_type_merges_the_source() -> None:
    lower = tree("sources: {orders: {type: file, path: a.csv, format: csv}}")
    upper = tree("sources: {orders: {type: file, path: b.csv}}")

    assert {"sources": {"orders": {"type": "file", "path": "b.csv", "format": "csv"}}} == merge(lower, upper).plain()


def test_null_removes_what_was_inherited_and_stays_where_nothing_was() -> None:
    lower, upper = tree("pool: shop\nretries: 3"), tree("pool: null\ntitle: null")

    assert {"retries": 3, "title": None} == merge(lower, upper).plain()


def test_merging_changes_neither_layer() -> None:
    lower, upper = tree("a: {x: 1}"), tree("a: {y: 2}")

    merge(lower, upper)

    assert ({"a": {"x": 1}}, {"a": {"y": 2}}) == (lower.plain(), upper.plain())


def test_each_value_keeps_where_it_came_from(project: Project) -> None:
    project.write_file("include/workflows/defaults.yaml", "retries: 5\n")
    project.write_workflow("events", {**MOCK_CONFIG, "pool": "events"})
    project.write_file("include/workflows/events/config.prod.yaml", "pool: busy\n")

    root = read_layers(project.root, "events", environment="prod").root

    assert root is not None
    assert isinstance(root.value, dict)
    assert "include/workflows/defaults.yaml" == root.value["retries"].path
    assert "include/workflows/events/config.yaml" == root.value["owner"].path
    assert "include/workflows/events/config.prod.yaml" == root.value["pool"].path


def test_layers_reach_the_spec_in_their_order(project: Project) -> None:
    project.write_file("include/workflows/defaults.yaml", "retries: 5\nretry_delay: 2h\ntags: [house]\n")
    project.write_workflow("events", {**MOCK_CONFIG, "retries": 4, "tags": ["events"]})
    project.write_file("include/workflows/events/config.prod.yaml", "retries: 3\ntags: [prod]\n")

    spec = load_workflow(project.root, "events", environment="prod").spec

    assert (3, 7200, ("house", "events", "prod")) == (spec.retries, spec.retry_delay.total_seconds(), spec.tags)


def test_an_environment_without_a_layer_changes_nothing(project: Project) -> None:
    project.write_workflow("events")

    assert project.workflow("events") == load_workflow(project.root, "events", environment="staging")

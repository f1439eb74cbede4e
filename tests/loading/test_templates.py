"""Templates: what a config inherits of them, and where a value that they place came from."""

from __future__ import annotations

import os

import pytest

from dataflow.errors import ConfigError
from dataflow.loading.layers import read_layers
from dataflow.loading.load import load_workflow
from dataflow.registry import load_registry, read_published
from kit.effort import effort
from kit.project import Project

TEMPLATE = """\
owner: house
schedule: "@daily"
start_date: 2025-01-01
tags: [files]
retries: "{{ inputs.retries }}"
pool: "{{ inputs.pool }}"
inputs:
  table: {type: string}
  columns: {type: object, default: {id: BIGINT}}
  retries: {type: integer, default: 3}
  pool: {type: string, default: null}
sources:
  "{{ inputs.table }}":
    type: file
    path: "data/{{ inputs.table }}/{{ window.start | date }}.csv"
    format: csv
    columns: "{{ inputs.columns }}"
validate:
  "{{ inputs.table }}":
    - sql: "select * from {{ inputs.table }} where id < {{ inputs.retries }}"
"""


@pytest.fixture
def house(project: Project) -> Project:
    project.write_file("include/templates/daily_files.yaml", TEMPLATE)
    return project


def told(project: Project, name: str, *, environment: str = "") -> list[str]:
    with pytest.raises(ConfigError) as raised:
        load_workflow(project.root, name, environment=environment)
    return [str(problem) for problem in raised.value.problems]


def test_inputs_are_placed_in_keys_in_texts_and_as_whole_values(house: Project) -> None:
    house.write_workflow("orders", "extends: daily_files\nwith: {table: placed}\ndescription: Orders\n")

    spec = house.workflow("orders").spec

    assert "data/placed/{{ window.start | date }}.csv" == spec.sources["placed"].path
    assert "BIGINT" == spec.sources["placed"].columns["id"].type
    assert 3 == spec.retries
    assert "select * from placed where id < 3" == spec.validate_["placed"][0].sql


def test_a_null_input_leaves_out_the_key_that_it_fills(house: Project) -> None:
    house.write_workflow("orders", "extends: daily_files\nwith: {table: orders}\ndescription: Orders\n")

    assert "pool" not in house.workflow("orders").spec.public()


def test_the_template_lies_below_the_defaults_and_those_below_the_config(house: Project) -> None:
    house.write_file("include/workflows/defaults.yaml", "owner: everyone\nretries: 5\ntags: [house]\n")
    house.write_workflow(
        "orders", "extends: daily_files\nwith: {table: orders}\ndescription: Orders\nretries: 7\ntags: [orders]\n"
    )

    spec = house.workflow("orders").spec

    assert ("everyone", 7, ("files", "house", "orders")) == (spec.owner, spec.retries, spec.tags)


def test_what_a_template_gives_can_be_removed_and_laid_over(house: Project) -> None:
    config = "extends: daily_files\nwith: {table: orders}\ndescription: Orders\nvalidate: null\n"
    house.write_workflow("orders", config + "sources: {orders: {format: ndjson}}\n")

    spec = house.workflow("orders").spec

    assert ({}, "ndjson") == (spec.validate_, spec.sources["orders"].format)


def test_another_environment_gives_other_inputs(house: Project) -> None:
    house.write_workflow("orders", "extends: daily_files\nwith: {table: orders, retries: 1}\ndescription: Orders\n")
    house.write_file("include/workflows/orders/config.prod.yaml", "with: {retries: 9}\n")

    assert 1 == load_workflow(house.root, "orders").spec.retries
    assert 9 == load_workflow(house.root, "orders", environment="prod").spec.retries


def test_what_is_wrong_in_a_template_is_told_in_its_file(house: Project) -> None:
    house.write_file("include/templates/daily_files.yaml", TEMPLATE.replace("owner: house", "ownr: house"))
    house.write_workflow("orders", "extends: daily_files\nwith: {table: orders}\ndescription: Orders\nowner: me\n")

    assert ["include/templates/daily_files.yaml:1:1: ownr: unknown key; did you mean 'owner'?"] == told(house, "orders")


def test_a_wrong_value_that_a_config_gave_is_told_in_the_config(house: Project) -> None:
    house.write_workflow("orders", "extends: daily_files\nwith: {table: orders, retries: -2}\ndescription: Orders\n")

    assert ["include/workflows/orders/config.yaml:2:32: retries: expected at least 0, found -2"] == told(
        house, "orders"
    )


def test_the_text_of_an_input_is_never_read_for_inputs_again(house: Project) -> None:
    house.write_workflow("orders", 'extends: daily_files\nwith: {table: "{{ inputs.pool }}"}\ndescription: Orders\n')

    assert any("{{ inputs.pool }}" in line for line in told(house, "orders"))


@pytest.mark.parametrize("name", ["../workflows/defaults", "/etc/passwd", "daily_files.yaml", "Daily"])
def test_a_template_is_named_never_reached_by_a_path(house: Project, name: str) -> None:
    house.write_workflow("orders", f'extends: "{name}"\ndescription: Orders\n')

    assert any("config.yaml:1:10: extends: there is no template" in line for line in told(house, "orders"))


def test_a_template_that_grows_without_end_is_refused_at_once(project: Project) -> None:
    places = "".join(f'  k{number}: "{{{{ inputs.rows }}}}"\n' for number in range(5_000))
    project.write_file("include/templates/large.yaml", f"inputs: {{rows: {{type: array}}}}\nsettings:\n{places}")
    rows = ", ".join(["1"] * 20_000)
    project.write_workflow("orders", f"extends: large\nwith: {{rows: [{rows}]}}\ndescription: x\nowner: y\n")

    with effort() as loading:
        lines = told(project, "orders")

    assert any("the inputs bring in more than 256 kB" in line for line in lines)
    assert loading.seconds < 1


def test_a_broken_template_hides_no_workflow_that_does_not_use_it(house: Project) -> None:
    house.write_file("include/templates/broken.yaml", "owner: [\n")
    house.write_workflow("orders", "extends: broken\ndescription: Orders\n")
    house.write_workflow("events")

    registry = load_registry(house.root)

    assert ["events"] == list(registry.workflows)
    assert {"include/templates/broken.yaml"} == {problem.path for problem in registry.problems}


def test_the_page_shows_a_workflow_as_broken_whose_template_is(house: Project) -> None:
    house.write_workflow("orders", "extends: daily_files\nwith: {table: orders}\ndescription: Orders\n")
    carried = {"orders": {"spec": house.workflow("orders").spec.public(), "models": [], "config_hash": "0" * 16}}
    error = "\ndataflow: 1 problem\ninclude/templates/daily_files.yaml:1:1: ownr: unknown key\n"

    assert "broken" == read_published(carried, [error]).workflows["orders"].state


def test_each_value_keeps_the_file_that_it_came_from(house: Project) -> None:
    house.write_workflow("orders", "extends: daily_files\nwith: {table: orders, retries: 1}\ndescription: Orders\n")

    root = read_layers(house.root, "orders").root

    assert root is not None
    places = {key: (node.path.rpartition("/")[2], node.line) for key, node in root.value.items()}
    assert ("daily_files.yaml", 1) == places["owner"]
    assert ("config.yaml", 2) == places["retries"]
    assert ("config.yaml", 3) == places["description"]


@pytest.mark.parametrize("stands_there", ["directory", "pipe", "link_out", "link_to_itself"])
def test_what_is_no_file_in_place_of_a_template_is_refused_at_once(project: Project, stands_there: str) -> None:
    folder = project.root / "include" / "templates"
    folder.mkdir(parents=True)
    file = folder / "odd.yaml"
    {
        "directory": file.mkdir,
        "pipe": lambda: os.mkfifo(file),
        "link_out": lambda: file.symlink_to("/etc/passwd"),
        "link_to_itself": lambda: file.symlink_to(file),
    }[stands_there]()
    project.write_workflow("orders", "extends: odd\ndescription: x\n")

    assert ["include/templates/odd.yaml:1:1"] == [line.split(": ")[0] for line in told(project, "orders")]

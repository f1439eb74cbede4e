"""What editors and readers know of a config: the schema and the reference, both made from the model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from dataflow.loading.yaml_document import read_document
from dataflow.paths import REFERENCE, SCHEMA
from dataflow.spec.examples import EXAMPLES
from dataflow.spec.json_schema import workflow_schema
from dataflow.spec.reference import config_reference
from kit.document import blocks_of
from kit.project import REPOSITORY

LINE = "# yaml-language-server: $schema=../../dataflow/workflow.schema.json"
WORKFLOWS = REPOSITORY / "include" / "workflows"
EXAMPLE_CONFIGS = sorted(WORKFLOWS.glob("*/config*.yaml"))
MENDED = sorted((REPOSITORY / "tests" / "gallery").glob("*/mended*/**/config*.yaml"))
MENDED += sorted((REPOSITORY / "tests" / "gallery").glob("*/mended.yaml"))


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    return json.loads((REPOSITORY / SCHEMA).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def complaints(validator: Draft202012Validator, text: str) -> list[str]:
    root, problems = read_document(text.encode(), "config.yaml")
    assert root is not None, problems
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(root.plain())]


def test_the_schema_is_the_one_that_the_model_gives(schema: dict[str, Any]) -> None:
    assert workflow_schema() == schema, "run `dataflow config schema --write`"


def test_the_reference_is_the_one_that_the_model_gives() -> None:
    written = (REPOSITORY / REFERENCE).read_text(encoding="utf-8")

    assert config_reference() == written, "run `dataflow config schema --write`"


def test_every_example_workflow_names_the_schema_for_its_editor() -> None:
    assert [] == [file for file in EXAMPLE_CONFIGS if not file.read_text(encoding="utf-8").startswith(f"{LINE}\n")]
    assert (EXAMPLE_CONFIGS[0].parent / LINE.rpartition("=")[2]).resolve() == REPOSITORY / SCHEMA


def test_every_example_workflow_fits_the_schema(validator: Draft202012Validator) -> None:
    told = {file.parent.name: complaints(validator, file.read_text(encoding="utf-8")) for file in EXAMPLE_CONFIGS}

    assert {name: [] for name in told} == told


@pytest.mark.parametrize("file", MENDED, ids=lambda file: file.relative_to(REPOSITORY / "tests" / "gallery").as_posix())
def test_every_mended_config_of_the_gallery_fits_the_schema(file: Path, validator: Draft202012Validator) -> None:
    assert [] == complaints(validator, file.read_text(encoding="utf-8"))


def test_every_yaml_of_the_documentation_that_is_a_config_fits_the_schema(validator: Draft202012Validator) -> None:
    told = [
        f"{page.name}:{block.line}: {complaint}"
        for page in sorted((REPOSITORY / "docs").glob("*.md"))
        for block in blocks_of(page)
        if block.language == "yaml" and "/config" in (block.file or "/config")
        for complaint in complaints(validator, block.text)
    ]

    assert [] == told


@pytest.mark.parametrize(
    "wrong",
    [
        "retrys: 3",
        "retries: many",
        "retries: -1",
        "schedule: {cron: '@daily', timezone: 7}",
        "sources: {orders: {type: fil}}",
        "sources: {orders: {type: file, pth: a.csv}}",
        "sources: {Orders: {type: mock, columns: {a: BIGINT}}}",
        "load: {orders: {mode: upsert}}",
        "validate: {orders: [{not_nul: a}]}",
        "transform: {orders: [dedup]}",
        "params: {week: {type: text}}",
        "name: orders",
    ],
)
def test_what_is_wrong_in_one_place_is_refused_by_the_schema(wrong: str, validator: Draft202012Validator) -> None:
    assert complaints(validator, wrong)


@pytest.mark.parametrize(
    "layer",
    [
        "retries: 5",
        "pool: null",
        "sources: {orders: {path: 'b/*.csv'}}",
        "sources: {orders: {description: Orders}, customers: null}",
        "schedule: {timezone: Europe/Berlin}",
        "{extends: daily_files, with: {table: orders, columns: {a: BIGINT}, pool: null}}",
    ],
)
def test_a_layer_that_says_only_what_it_adds_fits_the_schema(layer: str, validator: Draft202012Validator) -> None:
    assert [] == complaints(validator, layer)


def test_every_top_level_key_shows_an_example_and_says_what_it_is(schema: dict[str, Any]) -> None:
    bare = [
        key for key, part in schema["properties"].items() if not part.get("examples") or not part.get("description")
    ]

    assert [] == bare, "add an example to spec/examples.py, a docstring to spec/workflow.py"


def test_every_example_fits_its_key(schema: dict[str, Any]) -> None:
    told = []
    for model, keys in EXAMPLES.items():
        properties = schema["properties"] if model == "WorkflowSpec" else schema["$defs"][model]["properties"]
        for key, examples in keys.items():
            part = Draft202012Validator({**properties[key], "$defs": schema["$defs"]})
            told += [f"{model}.{key}: {error.message}" for each in examples for error in part.iter_errors(each)]

    assert [] == told


def test_every_section_that_the_reference_points_to_is_there() -> None:
    page = config_reference()
    sections = {line.removeprefix("## ").lower() for line in page.splitlines() if line.startswith("## ")}

    assert {link.split(")")[0] for link in page.split("](#")[1:]} <= sections

"""The gallery is complete: whatever the code can say of a config, a case shows, and every key has its place in one."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from dataflow.spec.base import Spec
from dataflow.spec.workflow import WorkflowSpec
from kit.gallery import CASES, expected, lay_out_mended, validated
from kit.project import REPOSITORY, Project

LIBRARY = REPOSITORY / "include" / "dataflow"
SAYING = [
    *sorted((LIBRARY / "loading").rglob("*.py")),
    *sorted((LIBRARY / "linting").rglob("*.py")),
    *sorted((LIBRARY / "spec").rglob("*.py")),
    LIBRARY / "durations.py",
    LIBRARY / "registry.py",
]
"""The modules that say what is wrong with a config."""

SHOWN_ELSEWHERE = {
    "loading/carried.py": "what Airflow keeps: tests/loading/test_carried.py",
    "loading/own_fault.py": "no config causes it: tests/test_registry.py",
    "loading/files.py": "pipes and links, which Git does not keep: tests/loading/test_files.py and test_attacks.py",
    "loading/model_files.py": "pipes and links, which Git does not keep: tests/loading/test_attacks.py",
    "linting/dbt_models.py": "what compiled manifests say: tests/linting/test_dbt_models.py",
    "spec/examples.py": "no problem: examples of the reference",
    "spec/json_schema.py": "no problem: tests/spec/test_json_schema.py",
    "spec/reference.py": "no problem: tests/spec/test_json_schema.py",
    "spec/schedule_text.py": "no problem: tests/spec/test_schedule_text.py",
}
"""Modules whose sentences no folder of files can bring about, and which test does."""

SHOWN_BY = {
    "there is no workflow {}": "a name that is asked for: tests/cli/test_config.py",
    "the environment {} is no name": "a setting: tests/loading/test_load.py",
    "set DATAFLOW_ENVIRONMENT to letters and digits": "a setting: tests/loading/test_load.py",
    "its folder is a symbolic link that leaves the project": "tests/loading/test_files.py",
    "put it here itself": "tests/loading/test_files.py",
    "the folder's name {} cannot name a workflow": "the mended folder has another name: tests/loading/test_load.py",
    "rename it: lower case letters, digits and _, from a letter on, 2 to 63 long": "tests/loading/test_load.py",
    "the folder's name '{}' {}": "tests/loading/test_load.py",
    "is a schema of DuckDB": "tests/loading/test_load.py",
    "begins with `staging_`, like our schemas": "tests/loading/test_load.py",
    "rename the folder": "tests/loading/test_load.py",
    "it is no text, or nested too deeply": "no text is no text for Git: tests/loading/test_attacks.py",
    "the file is larger than {} kB": "large: tests/loading/test_yaml_document.py",
    "the inputs bring in more than {} kB": "large: tests/loading/test_templates.py",
    "place fewer of them": "large: tests/loading/test_templates.py",
    "keep data in files": "large: tests/loading/test_yaml_document.py",
    "a value cannot begin with this character": "with the character itself: yaml_percent",
    "its DAG was written by another version of dataflow": "tests/test_registry.py",
    "wait until Airflow has parsed it again": "tests/test_registry.py",
    "text like {}": "a pattern that nobody gave words; there is none",
}
"""Sentences that no case can show, and what does."""

NOT_OF_A_CONFIG = ("Bucket", "Input", "TemplateHead")
"""Models of what is read from a config's text, and of templates: tests/loading/test_templates.py."""

NO_MESSAGES = {
    "loading/rules/types.py": r"BIGINT BIGNUM|^[A-Z ]+$",
    "loading/messages.py": r"^Input should be",
    "loading/misleading_yaml.py": r"^(flow (sequence|mapping)|quoted scalar|cannot start any token|alphabetic or "
    r"numeric|mapping values are not allowed|unexpected end|not find expected|this character)$",
    "linting/sql_meaning.py": r"^Referenced column|Table with name",
    "linting/sql_syntax.py": r"^unterminated quoted$|^at end of input$",
    "linting/dbt_references.py": r"^unknown tag$",
}
"""What reads like a sentence and is none of ours: words of pydantic, of the YAML parser, of Jinja and of DuckDB."""


def shapes(file: Path) -> Iterator[str]:
    """Give each sentence of a module, ``{}`` where a value goes; docstrings and comments are none."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in docstrings or id(node) in inner:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if re.search(r"[a-z`]{2,} [a-z`{]", text):
            yield from (part for part in text.split("; ") if " " in part.strip())


def sentences() -> list[tuple[str, str]]:
    """Give each module and what it says."""
    found = []
    for file in SAYING:
        module = file.relative_to(LIBRARY).as_posix()
        if module not in SHOWN_ELSEWHERE:
            found += [(module, shape) for shape in shapes(file) if not _is_no_message(module, shape)]
    return found


def _is_no_message(module: str, shape: str) -> bool:
    return bool(module in NO_MESSAGES and re.search(NO_MESSAGES[module], shape)) or shape in SHOWN_BY


def test_whatever_is_said_of_a_config_is_shown_by_a_case() -> None:
    told = " ".join(expected(name) for name in CASES)

    unshown = [
        f"{module}: {shape}"
        for module, shape in sentences()
        if not re.search(".*".join(map(re.escape, " ".join(shape.split()).split("{}"))), told)
    ]

    assert [] == unshown


def test_there_are_many_cases_and_they_say_different_things() -> None:
    messages = {
        re.sub(r"'[^']*'|`[^`]*`|[0-9]+", "…", line.split(": ", 1)[1].partition("; ")[0].rpartition(": ")[2])
        for name in CASES
        for line in expected(name).splitlines()
    }

    assert len(CASES) >= 80
    assert len(messages) >= 60


def test_every_key_of_the_model_stands_in_a_mended_config(tmp_path: Path) -> None:
    written: set[tuple[str, str]] = set()
    for name in CASES:
        project = Project(tmp_path / name)
        lay_out_mended(name, project)
        registry, _ = validated(project)
        written.update(_written(registry.workflows[name].spec))

    missing = {
        f"{model.__name__}.{field.alias or key}"
        for model in _models(Spec)
        for key, field in model.model_fields.items()
        if not any((base.__name__, key) in written for base in (model, *_models(model)))
    }

    # A name is the folder's; `tables` are spread out while they are read: tables_of_one_name.
    assert {"WorkflowSpec.name", "DatabaseSource.tables"} >= {
        key for key in missing if key.partition(".")[0] not in NOT_OF_A_CONFIG
    }, "each belongs into a mended.yaml of the gallery"


def _models(base: type[BaseModel]) -> list[type[BaseModel]]:
    return [each for inner in base.__subclasses__() for each in (inner, *_models(inner))]


def _written(value: Any) -> Iterator[tuple[str, str]]:
    """Give the model and key of everything that a config writes."""
    if isinstance(value, BaseModel):
        for key in value.model_fields_set:
            yield type(value).__name__, key
            yield from _written(getattr(value, key))
    elif isinstance(value, dict):
        for each in value.values():
            yield from _written(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _written(each)


def test_the_list_of_sentences_is_no_empty_one() -> None:
    assert len(sentences()) > 100
    assert ("loading/messages.py", "unknown key") in sentences()


@pytest.mark.parametrize("key", ["sources", "retries"])
def test_a_key_that_no_case_writes_would_be_noticed(key: str) -> None:
    spec = WorkflowSpec.model_construct(_fields_set={key}, sources={}, retries=1)

    assert {("WorkflowSpec", key)} == set(_written(spec))

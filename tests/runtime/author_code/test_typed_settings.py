"""``settings.py`` types the config's settings: judged before a run, first in a task, and in ``config validate``."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from dataflow.errors import ConfigError
from dataflow.registry import load_registry
from dataflow.runtime.author_code.settings_check import check_settings
from dataflow.runtime.author_code.typed_settings import typed_settings
from dataflow.runtime.local.run import run_workflow
from kit.program import Program
from kit.project import Project

SETTINGS = """\
from datetime import date

from pydantic import BaseModel, Field


class Market(BaseModel):
    code: str
    lots: int = 1


class Settings(BaseModel):
    vat: float = Field(ge=0, description="The share of tax.")
    since: date = date(2025, 1, 1)
    market: Market | None = None
"""

CONFIG = """\
description: Made-up events.
owner: tests
start_date: 2025-01-01
settings:
  vat: 0.19
  since: 2025-02-01
sources:
  events: {type: python, windowed: true}
"""

INGESTION = """\
def events(ctx):
    return [{"vat": ctx.settings.vat, "year": ctx.settings.since.year, "kind": type(ctx.settings).__name__}]
"""


def house(project: Project, *, settings: str = SETTINGS, config: str = CONFIG) -> Project:
    project.write_workflow("events", config, ingestion=INGESTION, settings=settings)
    return project


def told(project: Project) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        typed_settings(project.workflow("events"), environment="", log=logging.getLogger("dataflow.tests"))
    return [str(problem).removeprefix("include/workflows/events/") for problem in raised.value.problems]


def test_author_code_gets_the_model(project: Project) -> None:
    from dataflow.ops.history import open_history
    from dataflow.warehouse.connection import open_warehouse
    from dataflow.warehouse.create import create_warehouse

    settings = house(project).settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["events"])

    assert "success" == run_workflow(project.workflow("events"), settings=settings).status

    with open_warehouse(settings, purpose="test") as connection:
        rows = connection.execute("select vat, year, kind from staging_events.events").fetchall()
    assert [(0.19, 2025, "Settings")] == rows


def test_without_settings_py_the_settings_are_the_mapping_of_the_config(project: Project) -> None:
    project.write_workflow("events", CONFIG, ingestion=INGESTION)

    given = typed_settings(project.workflow("events"), environment="", log=logging.getLogger("dataflow.tests"))

    assert {"vat": 0.19, "since": "2025-02-01"} == given


@pytest.mark.parametrize(
    ("written", "instead", "expected"),
    [
        ("vat: 0.19", "vat: much", "config.yaml:5:8: settings.vat: expected a number, found 'much'"),
        ("vat: 0.19", "vat: -1", "config.yaml:5:8: settings.vat: expected at least 0.0, found -1"),
        ("  vat: 0.19\n", "", "config.yaml:4:1: settings.vat: required key is missing; the share of tax"),
        ("since:", "sinse:", "config.yaml:6:3: settings.sinse: unknown key; did you mean 'since'?"),
        ("2025-02-01", "soon", "config.yaml:6:10: settings.since: expected a date such as 2025-01-01, found 'soon'"),
        (
            "since: 2025-02-01",
            "market: {code: XETR, lot: 2}",
            "config.yaml:6:24: settings.market.lot: unknown key; did you mean 'lots'?",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_told_at_its_place(
    project: Project, written: str, instead: str, expected: str
) -> None:
    house(project, config=CONFIG.replace(written, instead, 1))

    assert [expected] == told(project)


def test_a_class_that_says_what_becomes_of_other_keys_has_its_way(project: Project) -> None:
    house(
        project, settings=SETTINGS + '    model_config = {"extra": "allow"}\n', config=CONFIG.replace("since", "sinse")
    )

    given = typed_settings(project.workflow("events"), environment="", log=logging.getLogger("dataflow.tests"))

    assert "2025-02-01" == given.sinse


def test_a_module_that_does_not_import_is_told_with_its_line(project: Project) -> None:
    house(project, settings="from pydantic import BaseModel\n\n1 / 0\n\n\nclass Settings(BaseModel): ...\n")

    assert ["settings.py:3:1: events, settings: ZeroDivisionError: division by zero"] == told(project)


def test_a_crash_in_a_validator_is_told_with_its_line(project: Project) -> None:
    check = "    @field_validator('vat')\n    @classmethod\n    def _checked(cls, value):\n        return {}['none']\n"
    settings = "from pydantic import BaseModel, field_validator\n\n\nclass Settings(BaseModel):\n    vat: float\n"
    house(project, settings=settings + check, config=CONFIG.replace("  since: 2025-02-01\n", ""))

    assert ["settings.py:9:1: events, settings: KeyError: 'none'"] == told(project)


def test_a_class_that_is_no_model_is_told(project: Project) -> None:
    house(project, settings="class Base: ...\n\n\nclass Settings(Base): ...\n")

    assert ["settings.py:1:1: Settings is no pydantic model; write class Settings(BaseModel)"] == told(project)


def test_a_run_with_wrong_settings_does_not_begin(project: Project) -> None:
    settings = house(project, config=CONFIG.replace("0.19", "much")).settings()

    with pytest.raises(ConfigError, match=r"config\.yaml:5:8: settings\.vat"):
        run_workflow(project.workflow("events"), settings=settings)

    assert not (project.root / ".dataflow").exists()


def test_parsing_never_imports_it(project: Project) -> None:
    house(project, settings=f"from pydantic import BaseModel\nopen({str(project.root / 'ran')!r}, 'w')\n{SETTINGS}")

    assert ["events"] == list(load_registry(project.root).workflows)
    assert not (project.root / "ran").exists()


def test_many_are_checked_in_another_process_that_one_may_end(project: Project) -> None:
    house(project, config=CONFIG.replace("0.19", "much"))
    project.write_workflow("first", CONFIG.replace("python, windowed: true", "mock, columns: {a: BIGINT}"))
    (project.folder("first") / "settings.py").write_text(f"import os\nprint('[]')\nos._exit(0)\n\n\n{SETTINGS}")
    project.write_workflow("last", CONFIG.replace("python, windowed: true", "mock, columns: {a: BIGINT}"))
    (project.folder("last") / "settings.py").write_text(f"print('[]')\n{SETTINGS}")

    problems = check_settings(project.registry().workflows.values(), environment="")

    ended = "importing it ends the process that does it; define the class and nothing else there"
    assert [
        "include/workflows/events/config.yaml:5:8: settings.vat: expected a number, found 'much'",
        f"include/workflows/first/settings.py:1:1: {ended}",
    ] == [str(problem) for problem in problems]


@pytest.fixture
def dataflow(project: Project) -> Program:
    from kit.program import program_in

    return program_in(Path(project.root))


def test_config_validate_tells_it(project: Project, dataflow: Program) -> None:
    house(project, config=CONFIG.replace("0.19", "much"))

    answer = dataflow("config", "validate")

    assert 1 == answer.code
    line = "include/workflows/events/config.yaml:5:8: settings.vat: expected a number, found 'much'"
    assert line in answer.out.splitlines()

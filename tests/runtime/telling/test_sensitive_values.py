"""No error of a run tells a value of a sensitive column: not its log, run history, or what people are told."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import FatalError, StepError
from dataflow.modelling.compile import compile_models
from dataflow.ops.history import open_history
from dataflow.ops.reading import read_run
from dataflow.runtime.author_code.modules import author_code
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.result import RunResult
from dataflow.runtime.telling.news import News, news_of_end
from kit.project import Project
from kit.runs import make_workflow

SECRET = "ada@example.com"
PEOPLE = f"id,email,born\n1,{SECRET},1815\n1,{SECRET},1816\n"
COLUMNS = {"id": "BIGINT", "email": {"type": "VARCHAR", "sensitive": True}, "born": "BIGINT"}
NOT_SHOWN = "the value is not shown, for there are sensitive columns"


def run(project: Project, *, columns: Any = COLUMNS, modules: Any = None, **config: Any) -> RunResult:
    source = {"type": "file", "format": "csv", "path": "people.csv", "columns": columns}
    given = {"description": "d", "owner": "o", "sources": {"people": source}, **config}
    project.write_workflow("shop", given, **(modules or {}))
    project.write_file("include/workflows/shop/people.csv", PEOPLE)
    return run_workflow(project.workflow("shop"), settings=project.settings())


def told(project: Project, run: RunResult) -> str:
    """Give all that anybody is told of a run."""
    news = News(event="failure", workflow="shop", title="Shop", owner="o", run_id=run.run_id)
    end = news_of_end(news, settings=project.settings(), reason="")
    story = read_run(open_history(project.settings().ops), run.run_id)
    history = json.dumps([story.anomalies, story.checks, [stage.message for stage in story.stages]], default=str)
    return "\n".join([str(run.error), end.text, json.dumps(end.to_json()), history])


def stages(*stages: Any) -> dict[str, Any]:
    return {"transform": {"people": list(stages)}}


def transform(body: str) -> dict[str, Any]:
    code = f"import duckdb\n\n\ndef people(ctx, people):\n    {body}\n"
    return {**stages({"python": "people"}), "modules": {"transform": code}}


CASES: dict[str, tuple[dict[str, Any], str]] = {
    "cast": (stages({"cast": {"email": "BIGINT"}}), "stage 1 (cast): email: *** does not fit BIGINT (2 of 2 rows"),
    "cast of a column that was renamed": (
        stages({"rename": {"email": "mail"}}, {"cast": {"mail": "BIGINT"}}),
        "mail: *** does not fit BIGINT",
    ),
    "times": (
        stages({"normalize_timestamps": {"columns": ["email"], "timezone": "UTC"}}),
        "email: *** is no ISO 8601 time",
    ),
    "derive": (stages({"derive": {"n": "cast(email as integer)"}}), f"(derive): ConversionException: {NOT_SHOWN}"),
    "filter": (stages({"filter": "cast(email as integer) > 0"}), f"(filter): ConversionException: {NOT_SHOWN}"),
    "sql": (stages({"sql": "select error(email) as x from people"}), f"(sql): InvalidInputException: {NOT_SHOWN}"),
    "merge": ({"load": {"people": {"mode": "merge", "key": "email"}}}, "email = ***"),
    "merge after stages": (
        {**stages({"derive": {"mail": "email"}}), "load": {"people": {"mode": "merge", "key": "mail"}}},
        "mail = ***",
    ),
    "a check between stages": (
        stages({"derive": {"n": "email"}}, {"check": {"range": {"column": "n", "min": 0}}}),
        "could not be evaluated",
    ),
    "DuckDB in a function": (
        transform('return people.select("cast(email as integer) as n").fetchall()'),
        f"transform.py:5: shop, transform:people: _duckdb.ConversionException: {NOT_SHOWN}",
    ),
    "a full disk that DuckDB tells of in a function": (
        transform("raise duckdb.FatalException(f'{people.fetchone()[1]}: No space left on device')"),
        f"_duckdb.FatalException: No space left on device; {NOT_SHOWN}; make room on that disk",
    ),
    "Python in a function": (
        transform("return int(people.fetchone()[1])"),
        f"transform.py:5: shop, transform:people: ValueError: {NOT_SHOWN}",
    ),
    "a library in a function": (
        transform("import pandas; return pandas.to_numeric(pandas.Series(people.fetchone()[1:2]))"),
        f"transform.py:5: shop, transform:people: ValueError: {NOT_SHOWN}",
    ),
    "a model whose text cannot be taken out": (
        transform("import pydantic; return pydantic.TypeAdapter(int).validate_python(people.fetchone()[1])"),
        f"ValidationError: {NOT_SHOWN}",
    ),
    "checks of the author": (
        {"modules": {"validation": "def people(ctx, people):\n    yield int(people.fetchone()[1])\n"}},
        f"validation.py:2: shop, validation:people: ValueError: {NOT_SHOWN}",
    ),
    "a step": (
        {
            "steps": ["ingest", "transform", {"run": "send"}],
            "modules": {"steps": "def send(ctx):\n    ctx.sql('select email::int from batch.people').fetchall()\n"},
        },
        f"steps.py:2: shop, steps:send: _duckdb.ConversionException: {NOT_SHOWN}",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_goes_wrong_is_told_without_the_value(
    project: Project, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    config, expected = CASES[case]

    with caplog.at_level(logging.DEBUG):
        failed = run(project, **config)

    assert "failed" == failed.status
    assert expected in failed.error
    assert SECRET not in told(project, failed) + caplog.text


@pytest.mark.parametrize("case", ["cast", "derive", "merge", "DuckDB in a function", "Python in a function"])
def test_where_nothing_is_sensitive_the_value_is_told(project: Project, case: str) -> None:
    config, _ = CASES[case]

    assert SECRET in str(run(project, columns={**COLUMNS, "email": "VARCHAR"}, **config).error)


def test_keys_that_nobody_calls_sensitive_are_told(project: Project) -> None:
    assert "id = 1" in run(project, load={"people": {"mode": "merge", "key": "id"}}).error


def test_words_that_a_function_raises_itself_are_its_author_s(project: Project) -> None:
    assert "ValueError: row 7 is odd" in run(project, **transform('raise ValueError("row 7 is odd")')).error


def test_what_is_wrong_with_the_code_is_told(project: Project) -> None:
    assert "column by the name of 'selct'" in run(project, **transform('return people.selct("*")')).error
    assert 'Referenced column "emial" not found' in run(project, **stages({"filter": "emial > 0"})).error


@pytest.mark.slow
def test_a_model_that_dbt_cannot_build_is_told_without_the_value(tmp_path: Path, capfd: Any) -> None:
    project = Project(tmp_path / "project", dbt=True)
    sql = "{{ config(materialized='table') }} select cast(email as integer) as n from {{ source('staging', 'people') }}"
    project.write_model("shop", "numbers", sql)
    run(project)
    compile_models(project.settings(), [project.workflow("shop")])

    failed = run(project)

    assert (
        f"model numbers: Runtime Error in model numbers (models/shop/numbers.sql) ConversionException: {NOT_SHOWN}"
        in (" ".join(failed.error.split()))
    )
    printed = capfd.readouterr()
    assert SECRET not in told(project, failed) + printed.out + printed.err


@pytest.mark.parametrize("raised", ["raise RuntimeError('no') from error", "raise RuntimeError('no')"])
@pytest.mark.parametrize("own", ["RuntimeError", "FatalError"])
def test_a_traceback_shows_no_value_of_what_an_error_was_raised_from(tmp_path: Path, raised: str, own: str) -> None:
    columns = {"email": {"type": "VARCHAR", "sensitive": True}}
    workflow = make_workflow(tmp_path, sources={"people": {"type": "mock", "columns": columns}})
    file = workflow.folder / "transform.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        f"def f():\n    try:\n        int('{SECRET}'[:])\n    except ValueError as error:\n        {raised}\n"
    )
    names = {"RuntimeError": FatalError if own == "FatalError" else RuntimeError}
    exec(compile(file.read_text(), str(file), "exec"), names)

    with pytest.raises(StepError) as caught, author_code(workflow, what="f", log=logging.getLogger("test")):
        names["f"]()  # type: ignore[operator]

    shown = "".join(traceback.format_exception(caught.value))
    assert "ValueError" in shown
    assert f"ValueError: invalid literal for int() with base 10: '{SECRET}'" not in shown
    assert NOT_SHOWN in shown

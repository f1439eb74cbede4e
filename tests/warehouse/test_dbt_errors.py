"""What dbt is told of an error where there are sensitive columns: no value, and whether another try may help."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Iterator
from multiprocessing import get_context
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.environments.local import LocalEnvironment
from dbt_common.exceptions import DbtRuntimeError

from dataflow.errors import OutOfRoom, StepError, TransientError
from dataflow.modelling.build import DbtOutcome
from dataflow.warehouse.dbt.errors import HIDE_VALUES, tell_errors_in_our_words

SECRET = "ada@example.com"
CREDENTIALS = DuckDBCredentials(database="memory", schema="main", path=":memory:")


@pytest.fixture(autouse=True)
def hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HIDE_VALUES, "1")
    tell_errors_in_our_words()


def failure_of(error: duckdb.Error) -> StepError:
    """Give what becomes of a task one of whose models ends in that error."""
    config: Any = SimpleNamespace(credentials=CREDENTIALS)
    manager = DuckDBConnectionManager(config, get_context("spawn"))
    with pytest.raises(DbtRuntimeError) as caught, manager.exception_handler("select 1"):
        raise error
    return DbtOutcome(succeeded=False, error=str(caught.value), nodes=()).failure


def test_a_lake_that_is_lost_at_the_commit_is_known_by_words_that_hold_no_value() -> None:
    failure = failure_of(duckdb.Error(f'Failed to execute query "COMMIT": server closed {SECRET}'))

    assert isinstance(failure, TransientError)
    assert 'Failed to execute query "COMMIT; the value is not shown' in str(failure)
    assert SECRET not in str(failure)


@pytest.mark.parametrize("kind", [duckdb.FatalException, duckdb.InternalException, duckdb.Error])
def test_a_full_disk_is_known_by_words_that_hold_no_value(kind: type[duckdb.Error]) -> None:
    failure = failure_of(kind(f"could not write {SECRET}: No space left on device"))

    assert isinstance(failure, OutOfRoom)
    assert SECRET not in str(failure)


def test_a_value_that_reads_like_a_loss_is_none() -> None:
    failure = failure_of(duckdb.ConversionException("Could not convert string 'Connection refused' to INT32"))

    assert StepError is type(failure)
    assert "Connection refused" not in str(failure)


@pytest.fixture
def event_loop() -> Iterator[None]:
    """The loop of this thread, which dbt would make for a Python model, and leave open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def failure_of_python(body: str) -> DbtRuntimeError:
    """Give what dbt is told of a Python model of two lines; its code ends as dbt lets it end."""
    code = f"def model(dbt, con):\n    {body}\n\n\ndbtObj = lambda load: None\nmaterialize = lambda df, con: None\n"
    with duckdb.connect() as connection, pytest.raises(DbtRuntimeError) as caught:
        LocalEnvironment.run_python_job(connection, None, "numbers", code, CREDENTIALS)
    return caught.value


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (f"int('{SECRET}'[:])", "ValueError in line 2: the value is not shown"),
        (f"con.sql(\"select '{SECRET}'::int\").fetchall()", "ConversionException in line 2: the value is not shown"),
        ("con.sql('select emial')", 'BinderException in line 2: Binder Error: Referenced column "emial"'),
        (
            f"raise OSError(28, 'No space left on device', '{SECRET}')",
            "OSError in line 2: No space left on device; the value is not shown",
        ),
    ],
)
@pytest.mark.usefixtures("event_loop")
def test_of_a_python_model_that_fails_the_class_of_the_error_and_the_line_are_told(body: str, expected: str) -> None:
    failure = failure_of_python(body)

    assert f"Python model failed: {expected}" in str(failure)
    assert SECRET not in "".join(traceback.format_exception(failure, chain=True))


@pytest.mark.usefixtures("event_loop")
def test_where_nothing_is_sensitive_the_traceback_of_a_python_model_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HIDE_VALUES, "")

    assert f"invalid literal for int() with base 10: '{SECRET}'" in str(failure_of_python(f"int('{SECRET}')"))

"""What is left of an error of author code, where there are sensitive columns, and of all that hangs on it."""

from __future__ import annotations

import traceback

import duckdb
import pydantic

from dataflow.runtime.telling.hiding_values import hide_values, hide_values_in_author_code
from kit.runs import make_workflow

SECRET = "ada@example.com"
SPEC = make_workflow(
    sources={"people": {"type": "mock", "columns": {"email": {"type": "VARCHAR", "sensitive": True}}}}
).spec


def shown(error: BaseException) -> str:
    told = hide_values_in_author_code(error, SPEC, lambda name: name == __file__)
    return "".join(traceback.format_exception(told))


def raised(error: BaseException) -> BaseException:
    """Give the error as code of the author raises it, in its own words."""
    try:
        raise error  # noqa: TRY301 - its own line is what tells whose words they are
    except BaseException as caught:  # noqa: BLE001 - it is given
        return caught


def misread() -> BaseException:
    """Give an error whose text cannot be taken out."""
    try:
        pydantic.TypeAdapter(int).validate_python(SECRET)
    except pydantic.ValidationError as error:
        return error
    raise AssertionError


def test_notes_of_an_error_go_with_its_words() -> None:
    error = duckdb.ConversionException("no number")
    error.add_note(f"row: {SECRET}")

    hide_values(error, SPEC)

    assert SECRET not in "".join(traceback.format_exception(error))


def test_notes_of_an_error_in_the_author_s_own_words_stay() -> None:
    error = RuntimeError("no")
    error.add_note("the third file")

    assert "the third file" in shown(raised(error))


def test_errors_of_a_group_lose_their_words_too() -> None:
    group = ExceptionGroup("two rows", [ValueError(SECRET), ExceptionGroup("more", [duckdb.DataError(SECRET)])])

    told = shown(raised(group))

    assert "two rows (2 sub-exceptions)" in told
    assert SECRET not in told


def test_an_error_of_a_group_whose_text_cannot_be_taken_out_is_replaced_wherever_it_is() -> None:
    error = misread()
    group = ExceptionGroup("a row", [error])
    group.__context__ = error
    group.add_note("of the third file")

    told = shown(raised(group))

    assert 2 == told.count("ValidationError: the value is not shown")
    assert "of the third file" in told
    assert SECRET not in told

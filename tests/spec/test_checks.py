from __future__ import annotations

import pytest
from pydantic import ValidationError

from dataflow.spec.checks import CHECK_KINDS, Check, check_kind, check_name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ({"unique": "order_id"}, "unique_order_id"),
        ({"not_null": ["order_id", "status"]}, "not_null_order_id_status"),
        ({"range": {"column": "amount", "min": 0}}, "range_amount"),
        ({"row_count": {"min": 1}}, "row_count"),
        ({"row_count": {"min": 1}, "name": "there_are_rows"}, "there_are_rows"),
    ],
)
def test_a_check_is_called_by_its_kind_and_columns(written: dict[str, object], name: str) -> None:
    assert name == check_name(Check.model_validate(written))


def test_every_kind_is_a_field() -> None:
    assert set(CHECK_KINDS) <= {field.alias or key for key, field in Check.model_fields.items()}


@pytest.mark.parametrize("written", [{}, {"name": "none"}, {"unique": "a", "not_null": "a"}])
def test_a_check_has_exactly_one_kind(written: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="exactly one of"):
        Check.model_validate(written)


def test_a_single_column_is_a_list_of_one() -> None:
    check = Check.model_validate({"unique": "order_id"})

    assert (("order_id",), "unique") == (check.unique, check_kind(check))

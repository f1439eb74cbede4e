"""Keys are written into a config's text, and every other character stays."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import InputError
from dataflow.scaffold.config_edit import with_keys

COLUMNS = {"columns": {"id": "BIGINT", "amount": "DECIMAL(12,2)", "at": "TIMESTAMPTZ", "no": "VARCHAR"}}

BLOCK = """\
# The shop.
sources:
  orders:   # from the shop
      type: file
      path: "a.csv"   # here
      options:
      - x

  # the next one
  items: {type: file, path: b.csv}
load:
  orders: {mode: append}
"""

BLOCK_AFTER = BLOCK.replace(
    "      - x\n",
    "      - x\n"
    "      columns:\n        id: BIGINT\n        amount: DECIMAL(12,2)\n"
    "        at: TIMESTAMPTZ\n        'no': VARCHAR\n",
)


def test_a_block_grows_at_its_end_and_its_comments_stay() -> None:
    assert BLOCK_AFTER == with_keys(BLOCK, ("sources", "orders"), COLUMNS)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("a: {b: 1}  # one\n", "a: {b: 1, c: {d: DECIMAL}}  # one\n"),
        ("a: {}\n", "a: {c: {d: DECIMAL}}\n"),
        ("a: {b: 1,}\n", "a: {b: 1,c: {d: DECIMAL}}\n"),
        ("a:\n  b: 1", "a:\n  b: 1\n  c: {d: DECIMAL}\n"),
        ("a:\n  b: |\n    text\n\n    more\nz: 1\n", "a:\n  b: |\n    text\n\n    more\n  c: {d: DECIMAL}\nz: 1\n"),
        ("a: {\n  b: 1  # one\n}\n", None),
        ("z: 1\n# the end\n", "z: 1\na:\n  c: {d: DECIMAL}\n# the end\n"),
    ],
)
def test_every_way_to_write_a_mapping_takes_a_key(before: str, after: str | None) -> None:
    found = with_keys(before, ("a",), {"c": {"d": "DECIMAL"}})

    assert {"d": "DECIMAL"} == yaml.safe_load(found)["a"]["c"]
    assert before.count("#") == found.count("#")
    if after is not None:
        assert after == found


def test_what_is_no_mapping_is_told() -> None:
    with pytest.raises(InputError, match="a is no mapping in the config; write c yourself"):
        with_keys("a: [1]\n", ("a",), {"c": 1})


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9 _:#'\"{},-]{0,12}", fullmatch=True)


@given(st.dictionaries(NAMES, st.sampled_from(["BIGINT", "DECIMAL(12,2)", "no", "1"]), min_size=1), st.booleans())
def test_what_is_written_is_read_back(columns: dict[str, str], in_braces: bool) -> None:
    text = "a: {b: {x: 1}}  # c\nz: [1]\n" if in_braces else "a:\n  b:\n    x: 1\n# c\nz: [1]\n"
    expected: Any = yaml.safe_load(text)
    expected["a"]["b"]["columns"] = columns

    assert expected == yaml.safe_load(with_keys(text, ("a", "b"), {"columns": columns}))

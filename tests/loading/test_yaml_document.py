from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.loading.yaml_document import MAX_PROBLEMS, read_document
from kit.effort import effort


def value_of(text: str) -> object:
    root, problems = read_document(text.encode(), "config.yaml")

    assert [] == problems
    assert root is not None
    return root.plain()


def told(content: str | bytes) -> list[str]:
    raw = content if isinstance(content, bytes) else content.encode()
    return [str(problem) for problem in read_document(raw, "config.yaml")[1]]


@pytest.mark.parametrize(
    "text", ["no", "on", "yes", "Off", "True", "NULL", "12:30", "010", "1_000", "2025-01-01", ".inf", "1e999"]
)
def test_what_yaml_1_1_reads_otherwise_stays_text(text: str) -> None:
    assert {"value": text} == value_of(f"value: {text}")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("12", 12),
        ("-3", -3),
        ("0x1f", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("'12'", "12"),
        ('"true"', "true"),
    ],
)
def test_core_values_are_read(text: str, expected: object) -> None:
    assert {"value": expected} == value_of(f"value: {text}")


def test_every_key_and_value_has_its_place() -> None:
    root, _ = read_document(b"owner: sales\nsources:\n  orders: {rows: 5}\ntags:\n  - daily\n", "config.yaml")

    assert root is not None
    rows, tag = root.at(("sources", "orders", "rows")), root.at(("tags", 0))
    assert rows is not None
    assert tag is not None
    assert (3, 12, 3, 18) == (rows.key_line, rows.key_column, rows.line, rows.column)
    assert (5, 5) == (tag.line, tag.column)


def test_a_byte_order_mark_is_passed_over() -> None:
    assert {"owner": "sales"} == value_of("\ufeffowner: sales")


def test_keys_are_text_as_written() -> None:
    assert {"no": 1, "12": 2, "null": 3} == value_of("no: 1\n12: 2\nnull: 3\n")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"owner: \xff\n", "config.yaml:1:8: the byte 0xff is not UTF-8; save the file as UTF-8"),
        ("owner: sales\n".encode("utf-16"), "config.yaml:1:1: the byte 0xff is not UTF-8; save the file as UTF-8"),
        (b"owner: \x00\n", "config.yaml:1:8: a control character; remove it; a config is plain text"),
        (b"x" * 300_000, "config.yaml:1:1: the file is larger than 256 kB; keep data in files"),
        (b"%YAML 1.1\n---\nowner: x\n", "config.yaml:1:1: a YAML directive; remove the line that begins with `%`"),
        (b"owner: 'x\n", "config.yaml:1:8: a quote that is not closed; close it"),
        (
            b'owner: "\\d+"\n',
            "config.yaml:1:9: `\\` in double quotes begins an escape, and this is none; use single quotes",
        ),
        (b"? [owner]\n: x\n", "config.yaml:1:3: a key is a text, not a mapping or a list"),
        (b"owner: a: b\n", "config.yaml:1:9: a second `: ` in one value; put the value in quotes, or indent it"),
    ],
)
def test_what_is_no_config_is_told(content: bytes, expected: str) -> None:
    assert [expected] == told(content)


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)}, *{chr(97 + n)}]\n" for n in range(20)
)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 250_000,
        "{a: " * 60_000,
        "- " * 120_000,
        "? " * 120_000,
        LAUGHS,
        "a: 'x #\n" * 30_000,
        "a: (x #)\n" * 28_000,
        "{" + "a: f(1,2), " * 20_000 + "}",
        "".join(f"k{n}: 1\n" for n in range(25_000)),
        "k: 1\n" * 50_000,
        "k:\n" * 80_000,
        "a: " + "9" * 250_000,
        "a: " + "1e" * 100_000,
        '"' * 250_000,
        "a: " + "&" * 250_000,
        "!" * 250_000,
        "#" * 250_000,
        "a: |\n" + " " * 250_000,
        "a: " + " " * 250_000 + "b",
        "\n" * 250_000,
        "a" * 250_000,
        ("a" * 500 + ": 1\n") * 500,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_an_attack_is_over_within_a_second(text: str) -> None:
    with effort() as reading:
        _, problems = read_document(text.encode(), "config.yaml")

    assert reading.seconds < 1
    assert len(problems) <= MAX_PROBLEMS
    assert all("\n" not in str(problem) for problem in problems)


scalars = st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"), max_size=20
)
trees = st.recursive(
    scalars | texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4)
)


@given(st.dictionaries(texts, trees, max_size=5))
def test_json_is_read_as_json(tree: dict[str, object]) -> None:
    root, problems = read_document(json.dumps(tree, ensure_ascii=False).encode(), "config.yaml")

    assert [] == problems
    assert root is not None
    assert tree == root.plain()


@given(st.binary(max_size=300))
def test_no_bytes_are_too_odd(content: bytes) -> None:
    root, problems = read_document(content, "config.yaml")

    assert root is not None or problems

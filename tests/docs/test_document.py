from __future__ import annotations

from pathlib import Path

import pytest

from kit.document import blocks_of, is_shown, links_of

PAGE = """Text.

```console
$ one
$ two three
its output
second line
```

The file `data/a.csv`:

```csv
a,b
```

```yaml
# include/workflows/x/config.yaml
a: 1
```
"""


def page(folder: Path, text: str) -> Path:
    file = folder / "page.md"
    file.write_text(text, encoding="utf-8")
    return file


def test_commands_come_with_their_outputs(tmp_path: Path) -> None:
    block = blocks_of(page(tmp_path, PAGE))[0]

    found = [(command.text, command.shown, command.line) for command in block.commands]

    assert [("one", "", 4), ("two three", "its output\nsecond line\n", 5)] == found


def test_files_are_named_before_the_block_or_on_its_first_line(tmp_path: Path) -> None:
    _, csv, yaml = blocks_of(page(tmp_path, PAGE))

    assert ("data/a.csv", "include/workflows/x/config.yaml") == (csv.file, yaml.file)


@pytest.mark.parametrize("text", ["```bash\nls\n```\n", "```\nls\n```\n", "```console\n$ ls\n"])
def test_a_block_that_would_go_unrun_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(AssertionError):
        blocks_of(page(tmp_path, text))


def test_links_that_stay_in_the_repository_are_given(tmp_path: Path) -> None:
    text = "[a](docs/a.md#part) ![b](b.png) [c](https://example.com) [d](#here)"

    assert ("docs/a.md", "b.png") == links_of(page(tmp_path, text))


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        ("", ""),
        ("a  0.3 s", "a  12 s"),
        ("a  0.3 s", "a  1m10s"),
        ("run local__2026-11-21T00:26:41+00:00_3e0c4524", "run local__2027-01-02T10:26:41+00:00_aaaaaaaa"),
        ("first\n...\nlast", "first\nlast"),
        ("first\n...\nlast", "first\n1\n2\nlast"),
        ("at 2026-11-21 00:26", "at 2027-01-02 10:00   "),
        ("/home/ada/dataflow/x", "/tmp/here/x"),
    ],
)
def test_what_differs_from_run_to_run_is_let_pass(shown: str, real: str) -> None:
    assert is_shown(shown, real, here={"/tmp/here": "/home/ada/dataflow"})


@pytest.mark.parametrize(
    ("shown", "real"),
    [
        ("", "a"),
        ("a", ""),
        ("4 rows", "5 rows"),
        ("2025-06-01  north", "2025-06-02  north"),
        ("a b", "a  b"),
        ("2025-01-05 00:00:00+00:00", "2025-01-05 01:00:00+00:00"),
        ("first\n...\nlast", "first\n1\nlast\nmore"),
        ("...\nlast", "1\nother"),
        ("day 1", "day 1\nday 2"),
    ],
)
def test_anything_else_is_told(shown: str, real: str) -> None:
    assert not is_shown(shown, real)

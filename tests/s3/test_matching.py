from __future__ import annotations

import glob
from pathlib import Path

import pytest

from dataflow.s3.matching import matching, there_is
from kit.store import Bucket

KEYS = [
    "in/a.csv",
    "in/b.csv",
    "in/a.json",
    "in/2025/a.csv",
    "in/2025/01/a.csv",
    "in/a+b (1).csv",
    "other/a.csv",
    "in/[x]",
]
PATTERNS = [
    "in/*.csv",
    "in/?.csv",
    "in/[ab].csv",
    "in/[!a].csv",
    "in/**/*.csv",
    "in/**/a.csv",
    "*/a.csv",
    "in/*/a.csv",
    "in/a+b (1).csv",
    "in/20*/0[0-9]/*",
    "in/[[]x]",
    "nothing/*",
]


@pytest.fixture
def filled(store: Bucket, tmp_path: Path) -> Bucket:
    """A bucket with these keys, and a folder with files of the same names."""
    for key in KEYS:
        store.put(key, key)
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_text(key)
    store.put("in/2025/", "")  # a folder, as consoles of stores make them
    return store


def test_a_pattern_means_in_a_bucket_what_it_means_on_a_disk(filled: Bucket, tmp_path: Path):
    for pattern in PATTERNS:
        names = glob.glob(pattern, root_dir=tmp_path, recursive=True)  # noqa: PTH207  # it says what is meant
        on_a_disk = sorted(name for name in names if (tmp_path / name).is_file())

        assert on_a_disk == [found.place.key for found in matching(filled.place(pattern))], pattern
        assert bool(on_a_disk) == there_is(filled.place(pattern)), pattern

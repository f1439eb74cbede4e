"""Fixtures of warehouses: a DuckDB file, a DuckLake, and each of the two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.databases import lake_settings
from kit.warehouse import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A warehouse under a temporary folder: a DuckDB file."""
    return House(tmp_path / "house")


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[House]:
    """A warehouse that is a DuckLake, its data under a temporary folder."""
    with lake_settings() as setting:
        yield House(tmp_path / "lake", lake=setting)


@pytest.fixture(params=["file", pytest.param("lake", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest) -> House:
    """Each of the two: what a test says of it holds for both."""
    found: House = request.getfixturevalue({"file": "house"}.get(request.param, request.param))
    return found

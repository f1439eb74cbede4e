"""What the warehouse's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.warehouse import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A warehouse under a temporary folder."""
    return House(tmp_path / "house")

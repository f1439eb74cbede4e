"""A shop whose orders come from a CSV file."""

from __future__ import annotations

import pytest

from kit.project import Project
from kit.shop import Shop


@pytest.fixture
def shop(project: Project) -> Shop:
    return Shop(project)

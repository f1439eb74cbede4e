"""A shop whose orders come from a CSV file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.databases import postgres_schema
from kit.project import Project
from kit.shop import Shop


@pytest.fixture
def shop(project: Project) -> Shop:
    return Shop(project)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop_anywhere(request: pytest.FixtureRequest, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """A shop, wherever its run history lies."""
    if request.param == "sqlite":
        yield Shop(project)
        return
    with postgres_schema() as url:
        monkeypatch.setenv("DATAFLOW_OPS", url)
        yield Shop(project)

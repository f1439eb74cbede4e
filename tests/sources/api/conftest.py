"""What tests of APIs share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.unruly_api import UnrulyApi


@pytest.fixture
def api() -> Iterator[UnrulyApi]:
    with UnrulyApi() as server:
        yield server

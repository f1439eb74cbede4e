from __future__ import annotations

from collections.abc import Iterator

import pytest

from kit.store import Bucket, bucket


@pytest.fixture
def store() -> Iterator[Bucket]:
    """An empty bucket."""
    with bucket() as made:
        yield made

"""An api source of the unruly server, read as a run would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dataflow.errors import ContractError, StepError
from kit.ingest import ingest_source, landed
from kit.unruly_api import UnrulyApi

__all__ = ["api_source", "read", "refused"]

NUMBERED = {"type": "page"}


def api_source(api: UnrulyApi, **keys: Any) -> dict[str, Any]:
    usual = {"type": "api", "url": f"{api.url}/orders", "records": "items", "pagination": NUMBERED}
    return {**usual, "columns": {"id": "BIGINT"}, **keys}


def read(root: Path, api: UnrulyApi, **keys: Any) -> list[tuple[Any, ...]]:
    return landed(ingest_source(root, api_source(api, **keys)))


def refused(root: Path, api: UnrulyApi, kind: type[StepError] = ContractError, **keys: Any) -> str:
    with pytest.raises(kind) as caught:
        read(root, api, **keys)
    assert not list((root / "landing").rglob("*.parquet")), "nothing is landed"
    return str(caught.value)

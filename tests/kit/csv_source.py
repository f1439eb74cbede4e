"""A source that is one CSV file, or several."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataflow.errors import ContractError
from kit.ingest import ingest_source

__all__ = ["COLUMNS", "csv", "refused"]

COLUMNS = {"id": "BIGINT", "name": "VARCHAR"}


def csv(path: str = "orders.csv", columns: dict[str, str] | None = None, **options: object) -> dict[str, object]:
    """Give the config of the source."""
    return {"type": "file", "format": "csv", "path": path, "columns": columns or COLUMNS, "options": options}


def refused(root: Path, text: str | bytes, source: dict[str, object] | None = None) -> str:
    """Give what is said of a file that breaks the contract; nothing of it is landed."""
    (root / "orders.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(ContractError) as caught:
        ingest_source(root, source or csv())
    assert not list(root.glob("landing/**/*.*"))
    return str(caught.value)

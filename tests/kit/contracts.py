"""Sources with a `schema_contract`, and what becomes of rows that break it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.errors import ContractError
from dataflow.interval import Interval
from dataflow.sources.request import SetAside
from kit.ingest import ingest_source

__all__ = ["COLUMNS", "MOVING", "RANGE", "Aside", "csv", "moving", "refused"]

COLUMNS = {"id": "BIGINT", "amount": "DECIMAL(12,2)"}
RANGE = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))
MOVING = {"id": "BIGINT", "at": "TIMESTAMPTZ"}


def csv(contract: Any, columns: Mapping[str, Any] = COLUMNS, **others: Any) -> dict[str, Any]:
    source = {"type": "file", "format": "csv", "path": "*.csv", "columns": columns, **others}
    return source if contract is None else {**source, "schema_contract": contract}


def moving(mode: str) -> dict[str, Any]:
    return csv({"data_type": mode}, MOVING, incremental={"cursor": "at"})


def refused(root: Path, source: dict[str, Any], **how: Any) -> str:
    with pytest.raises(ContractError) as caught:
        ingest_source(root, source, **how)
    assert not list(root.glob("landing/**/*.*"))
    return str(caught.value)


@dataclass
class Aside:
    """Stands where rows are set aside, and keeps what came."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0

    def __call__(self, connection: duckdb.DuckDBPyConnection, query: str, *_: object) -> SetAside:
        found = connection.execute(query)
        names = [each[0] for each in found.description or ()]
        self.rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
        self.calls += 1
        return SetAside(len(self.rows))

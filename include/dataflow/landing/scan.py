"""The FROM clause that reads landed files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dataflow.identifiers import literal

__all__ = ["scan_of"]


def scan_of(paths: Iterable[str], *, by_name: bool = False) -> str:
    """Give the FROM clause that reads Parquet files of this machine; no column ever comes from a path (`day=1/`).

    Args:
        paths: The files; at least one.
        by_name: Whether files may lack columns that others have, which are NULL in their rows.
    """
    files = ", ".join(literal(str(Path(path).absolute())) for path in paths)
    together = ", union_by_name = true" if by_name else ""
    return f"read_parquet([{files}], hive_partitioning = false{together})"

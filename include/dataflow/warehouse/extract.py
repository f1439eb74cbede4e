"""Copies of loaded tables for author code, which never holds the warehouse."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from dataflow.identifiers import literal, quote
from dataflow.settings import Settings
from dataflow.warehouse.columns import columns_of, parquet_select
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.schemas import staging_schema, tables_in

__all__ = ["extract"]


def extract(
    settings: Settings, workflow: str, *, tables: Iterable[str], into: Path, log: logging.Logger | None = None
) -> dict[str, Path]:
    """Copy a workflow's loaded tables to Parquet, all as of one moment; a table not loaded yet is left out.

    The warehouse is not opened, nor made, where nothing is asked for.
    """
    names = list(dict.fromkeys(tables))
    if not names:
        return {}
    into.mkdir(parents=True, exist_ok=True)
    copies: dict[str, Path] = {}
    schema = staging_schema(workflow)
    with open_warehouse(settings, purpose=f"read {workflow}.{', '.join(names)}", log=log) as connection:
        connection.begin()
        loaded = tables_in(connection, schema)
        for name in names:
            if name not in loaded:
                continue
            relation = quote(schema, loaded[name])
            copies[name] = into / f"{name}.parquet"
            selected = parquet_select(columns_of(connection, relation))
            connection.execute(
                f"COPY (SELECT {selected} FROM {relation}) TO {literal(str(copies[name]))} (FORMAT parquet)"
            )
        connection.commit()
    return copies

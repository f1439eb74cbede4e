"""Parquet: files of a source, the spooled rows of a function, another workflow's published table."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import ContractError
from dataflow.landing.manifest import METADATA_PREFIX
from dataflow.sources.contract.columns import Found, check_found, refuse_reserved
from dataflow.sources.files.scan_sql import Option, scan_call
from dataflow.sources.reading import NO_COLUMN, RawColumn, Reading, SourceFile
from dataflow.spec.sources import AS_DECLARED, SchemaContract

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_parquet_files"]

Kinds = tuple[tuple[str, str], ...]


def read_parquet_files(
    connection: DuckDBPyConnection,
    files: Sequence[SourceFile],
    declared: Mapping[str, str | None],
    *,
    options: Mapping[str, Option],
    log: logging.Logger,
    may_be_absent: Collection[str] = (),
    drop_ours: bool = False,
    contract: SchemaContract = AS_DECLARED,
) -> list[Reading]:
    """Give one reading for each run of files that have the same columns.

    Without declared columns the files' own are landed, ``drop_ours`` leaving out those of our prefix. A column declared
    without a type keeps the file's. Columns that ``may_be_absent`` from a file are NULL there.

    Raises:
        ContractError: when the columns are not as the contract demands, a file is not Parquet, or a name is ours.
    """

    def scan(paths: Sequence[Path]) -> str:
        return scan_call("read_parquet", paths, {**options, "hive_partitioning": False})

    readings = []
    for kinds, group in groupby(files, key=lambda file: _kinds(connection, file, scan=scan([file.path]))):
        alike = tuple(group)
        ours = (NO_COLUMN, METADATA_PREFIX) if drop_ours else NO_COLUMN
        found = [name for name, _ in kinds if not name.startswith(ours)]
        others = Found()
        if declared:
            there = [*found, *(name for name in may_be_absent if name not in found)]
            others = check_found(alike[0].shown, declared, found=there, log=log, contract=contract)
        else:
            refuse_reserved(alike[0].shown, found)
        wanted = {**(declared or dict.fromkeys(found)), **dict.fromkeys(others.landed)}
        columns = tuple(
            RawColumn(name, name if name in found else None, dict(kinds).get(name, "VARCHAR"), kind)
            for name, kind in wanted.items()
        )
        judged = tuple(RawColumn(name, name, dict(kinds)[name]) for name in others.judged)
        readings.append(Reading(scan, columns, alike, undeclared=judged, left_out=others.left_out))
    return readings


def _kinds(connection: DuckDBPyConnection, file: SourceFile, *, scan: str) -> Kinds:
    import duckdb

    try:
        rows = connection.execute(f"describe select * from {scan}").fetchall()
    except duckdb.InvalidInputException as error:
        raise ContractError(f"{file.shown}: {str(error).partition(chr(10))[0]}; is it Parquet?") from None
    return tuple((row[0], row[1]) for row in rows)

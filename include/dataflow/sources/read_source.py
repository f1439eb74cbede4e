"""From a source of the config to readings: each type of source has its reader."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataflow.errors import ContractError, InputError
from dataflow.s3.place import is_s3
from dataflow.sources.api.read_api import read_api
from dataflow.sources.contract.columns import Found, check_found, declared_paths, declared_types, reads_undeclared
from dataflow.sources.database.read import read_database
from dataflow.sources.files.bucket_files import fetch_files
from dataflow.sources.files.csv_files import read_csv_files
from dataflow.sources.files.file_paths import find_files, ready_files
from dataflow.sources.files.json_encoding import without_marks_of_encoding
from dataflow.sources.files.json_files import read_json_files
from dataflow.sources.files.parquet_files import read_parquet_files
from dataflow.sources.files.web_files import fetch_from_web, is_web_address
from dataflow.sources.mock_rows import mock_reading
from dataflow.sources.published import published_file
from dataflow.sources.python.rows import spool_rows
from dataflow.sources.reading import NO_COLUMN, RawColumn, Reading
from dataflow.sources.request import IngestRequest
from dataflow.sources.so_far import SoFar
from dataflow.spec.reader_options import option_problem
from dataflow.spec.reader_values import faults_of_values
from dataflow.spec.sources import ApiSource, DatabaseSource, FileSource, MockSource, PublishedSource, PythonSource

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

__all__ = ["read_source"]


def read_source(connection: DuckDBPyConnection, request: IngestRequest, *, scratch: Path) -> Sequence[Reading]:
    """Find the source's files or call its function, and give its rows as readings; there is at least one.

    Raises:
        ContractError: when there is nothing to read, or its columns are not those of the config.
    """
    source = request.source
    declared = declared_types(source.columns)
    if isinstance(source, MockSource):
        return [mock_reading(source, declared, window=request.window, cursor=request.cursor)]
    if isinstance(source, PublishedSource):
        file = published_file(request.settings, source.table, scratch=scratch)
        return read_parquet_files(
            connection, [file], declared, options={}, log=request.log, drop_ours=True, contract=source.schema_contract
        )
    if isinstance(source, ApiSource):
        return read_api(connection, request, source=source, declared=declared, scratch=scratch)
    if isinstance(source, PythonSource):
        return _python(connection, request, source=source, declared=declared, scratch=scratch)
    if isinstance(source, DatabaseSource):
        return read_database(connection, request, source=source, declared=declared, scratch=scratch)
    return _files(connection, request, source=source, declared=declared, scratch=scratch)


def _files(
    connection: DuckDBPyConnection,
    request: IngestRequest,
    *,
    source: FileSource,
    declared: Mapping[str, str],
    scratch: Path,
) -> Sequence[Reading]:
    problems = [problem for option in source.options if (problem := option_problem(source.format, option))]
    problems += [f"options.{option}: {message}; {hint}" for option, (message, hint) in faults_of_values(source.options)]
    if problems:
        raise ContractError(f"{request.table}: {'; '.join(problems)}")
    may_be_empty = source.format == "ndjson"
    if is_s3(source.path):
        so_far = SoFar(request.table, request.log, request.watch)
        found = fetch_files(source.path, scratch, connection=source.connection, so_far=so_far)
    elif is_web_address(source.path):
        found = [fetch_from_web(source.path, request, scratch, may_be_empty=may_be_empty)]
    else:
        found = find_files(source.path, request.folder)
    options, log, contract = source.options, request.log, source.schema_contract
    if source.format == "parquet":
        return read_parquet_files(connection, found, declared, options=options, log=log, contract=contract)
    if not declared:
        raise ContractError(f"{request.table}: declare the `columns` of a {source.format} file; nothing is guessed")
    files = ready_files(found, scratch, may_be_empty=may_be_empty)
    if source.format == "csv":
        return read_csv_files(files, declared, options=options, log=log, contract=contract)
    return read_json_files(
        connection,
        without_marks_of_encoding(files, scratch / "unmarked"),
        declared,
        paths=declared_paths(source.columns),
        format_name=source.format,
        options=options,
        log=log,
        scratch=scratch,
        contract=contract,
    )


def _python(
    connection: DuckDBPyConnection,
    request: IngestRequest,
    *,
    source: PythonSource,
    declared: Mapping[str, str],
    scratch: Path,
) -> Sequence[Reading]:
    shown = source.callable or f"ingestion:{request.table}"
    if request.rows is None:
        raise InputError(f"{request.workflow}.{request.table}: a python source needs its function {shown}")
    contract = source.schema_contract
    kept = () if reads_undeclared(contract) else declared.keys()
    so_far = SoFar(shown, request.log, request.watch)
    texts = [name for name, kind in declared.items() if kind == "VARCHAR"]
    spool = spool_rows(request.rows, scratch, declared=kept, so_far=so_far, texts=texts)
    wanted: dict[str, str | None] = dict(declared)
    found = Found()
    if declared and spool.rows:
        found = check_found(shown, declared, found=list(spool.names), log=request.log, contract=contract)
        # What is landed of them is as good as declared; JSON text is known to be JSON.
        wanted |= {name: "JSON" if name in spool.json_names else None for name in found.landed}
    elif not declared:
        wanted = {name: "JSON" if name in spool.json_names else None for name in spool.names} or {NO_COLUMN: None}
    if not spool.rows or NO_COLUMN in wanted:
        columns = tuple(RawColumn(name, None, "VARCHAR", kind) for name, kind in wanted.items())
        return [Reading(lambda _: f"range({spool.rows})", columns)]
    readings = read_parquet_files(
        connection, spool.files, wanted, options={}, log=request.log, may_be_absent=wanted.keys(), contract=contract
    )
    return [replace(reading, left_out=found.left_out) for reading in readings]

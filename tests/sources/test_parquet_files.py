from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from dataflow.errors import ContractError
from kit.ingest import ingest_source, landed


def parquet(path: str = "orders.parquet", columns: dict[str, str] | None = None) -> dict[str, object]:
    return {"type": "file", "format": "parquet", "path": path, "columns": columns or {}}


def write(file: Path, query: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{file}' (format parquet)")


def test_the_files_own_columns_are_landed_where_none_are_declared(tmp_path: Path):
    write(tmp_path / "orders.parquet", "select 1 as id, 'x' as name")

    manifest = ingest_source(tmp_path, parquet())

    assert [(1, "x")] == landed(manifest)
    assert {"id": "INTEGER", "name": "VARCHAR"} == manifest.data_columns


def test_declared_columns_are_chosen_and_cast(tmp_path: Path):
    write(tmp_path / "orders.parquet", "select 'x' as name, 1.0::double as id, 3 as extra")

    manifest = ingest_source(tmp_path, parquet(columns={"id": "BIGINT"}))

    assert [(1,)] == landed(manifest)
    assert {"id": "BIGINT"} == manifest.data_columns


def test_files_of_other_columns_are_united_by_name(tmp_path: Path):
    write(tmp_path / "orders-1.parquet", "select 1 as id, 'x' as name")
    write(tmp_path / "orders-2.parquet", "select 'y' as name, 2.5::double as id")
    write(tmp_path / "orders-3.parquet", "select 3 as id")

    manifest = ingest_source(tmp_path, parquet("orders-*.parquet"))

    assert [(1.0, "x"), (2.5, "y"), (3.0, None)] == landed(manifest)


def test_a_missing_column_is_told_with_the_file(tmp_path: Path):
    write(tmp_path / "orders-1.parquet", "select 1 as id")
    write(tmp_path / "orders-2.parquet", "select 1 as no")

    with pytest.raises(ContractError, match=r'orders-2\.parquet: no column "id"; found "no"'):
        ingest_source(tmp_path, parquet("orders-*.parquet", {"id": "BIGINT"}))


def test_a_value_that_does_not_fit_is_told_with_file_and_row(tmp_path: Path):
    write(tmp_path / "orders-1.parquet", "select 1.0::double as id")
    write(tmp_path / "orders-2.parquet", "select unnest([1.0, 2.5])::double as id")

    with pytest.raises(ContractError, match=r"orders-2\.parquet: row 2: column \"id\": '2\.5' is not a BIGINT"):
        ingest_source(tmp_path, parquet("orders-*.parquet", {"id": "BIGINT"}))


def test_folders_that_look_like_hive_partitions_give_no_columns(tmp_path: Path):
    folder = tmp_path / "day=2025-01-01"
    folder.mkdir()
    write(folder / "orders.parquet", "select 1 as id")

    assert {"id": "INTEGER"} == ingest_source(tmp_path, parquet("*/orders.parquet")).data_columns


def test_what_is_no_parquet_is_told(tmp_path: Path):
    (tmp_path / "orders.parquet").write_text("<html>Sign in, please, to read this file.</html>")

    with pytest.raises(ContractError, match=r"orders\.parquet: .*is it Parquet\?"):
        ingest_source(tmp_path, parquet())


def test_a_column_of_our_prefix_is_refused(tmp_path: Path):
    write(tmp_path / "orders.parquet", "select 1 as id, 2 as _Dataflow_run")

    with pytest.raises(ContractError, match="names that begin with _dataflow are ours"):
        ingest_source(tmp_path, parquet())


def test_a_type_without_a_way_to_the_declared_one_is_told(tmp_path: Path):
    write(tmp_path / "orders.parquet", "select [1, 2] as id")

    with pytest.raises(ContractError, match=r"row 1: column \"id\": '\[1, 2\]' is not a DATE"):
        ingest_source(tmp_path, parquet(columns={"id": "DATE"}))

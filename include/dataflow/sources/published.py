"""A table that another workflow published, as the snapshot that is current now has it."""

from __future__ import annotations

from dataflow.errors import ContractError, InputError
from dataflow.settings import Settings
from dataflow.sources.reading import SourceFile
from dataflow.warehouse.snapshot import table_path

__all__ = ["published_file"]


def published_file(settings: Settings, table: str) -> SourceFile:
    """Give the Parquet file of ``<workflow>.<table>``; a snapshot never changes, so it can be read in peace.

    Raises:
        ContractError: when the workflow has published nothing yet, or not this table.
    """
    workflow, _, name = table.partition(".")
    try:
        return SourceFile(table_path(settings, workflow, name), table)
    except InputError as error:
        raise ContractError(f"published table {table}: {error}") from None

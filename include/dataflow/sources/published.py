"""A table that another workflow published, as the snapshot that is current now has it."""

from __future__ import annotations

from pathlib import Path

from dataflow.errors import ContractError, InputError
from dataflow.settings import Settings
from dataflow.sources.reading import SourceFile
from dataflow.warehouse.snapshot import snapshot_of_table

__all__ = ["published_file"]


def published_file(settings: Settings, table: str, *, scratch: Path) -> SourceFile:
    """Give the Parquet file of ``<workflow>.<table>``; a snapshot never changes, so it can be read in peace.

    Args:
        settings: Where snapshots lie.
        table: Whose, and which.
        scratch: Where a copy goes, when they lie in S3.

    Raises:
        ContractError: when the workflow has published nothing yet, or not this table.
        TransientError: when the store did not give it this time.
    """
    workflow, _, name = table.partition(".")
    try:
        snapshot = snapshot_of_table(settings, workflow, name)
    except InputError as error:
        raise ContractError(f"published table {table}: {error}") from None
    return SourceFile(snapshot.fetch(name, into=scratch), table)

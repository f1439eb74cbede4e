"""Making the warehouse, before anything runs."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from dataflow.ducklake import DuckLake
from dataflow.identifiers import quote
from dataflow.settings import Settings
from dataflow.warehouse.connection import open_warehouse
from dataflow.warehouse.lake_orphans import claim_place
from dataflow.warehouse.schemas import create_own_tables, model_schema, staging_schema
from dataflow.warehouse.transaction import transact

__all__ = ["create_warehouse"]


def create_warehouse(settings: Settings, workflows: Iterable[str]) -> None:
    """Make the file and its lock, or the lake, and the schemas of the workflows; what is there stays as it is.

    Raises:
        FatalError: when the lake's data would lie where another lake's does.
    """
    with open_warehouse(settings, purpose="create the warehouse") as connection:
        if isinstance(settings.warehouse, DuckLake):
            claim_place(connection, settings.warehouse, settings.warehouse_data)
        transact(connection, lambda: create_own_tables(connection))
        for workflow in workflows:
            for schema in (staging_schema(workflow), model_schema(workflow)):
                transact(connection, partial(connection.execute, f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"))

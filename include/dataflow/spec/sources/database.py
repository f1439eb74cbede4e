"""A database's tables and queries as sources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from dataflow.spec.base import Text
from dataflow.spec.resolved import RenderedSql, ResolvedText, SecretText
from dataflow.spec.sources.base import Columns, SourceBase

__all__ = ["DatabaseSource"]


class DatabaseSource(SourceBase):
    """Tables of a database, or what a query gives: PostgreSQL, SQLite, and whatever SQLAlchemy reaches."""

    type: Literal["database"]
    connection: ResolvedText | None = None
    """The id of an Airflow connection; this or ``url``."""
    url: SecretText | None = None
    """``postgresql://user:password@host/database``, ``sqlite:///data/shop.db`` beside the config, or any URL of
    SQLAlchemy's; in a reference, for it holds the login, except where it names a SQLite file."""
    table: Text | None = None
    """One table or view: ``customers`` or ``public.customers``; this, ``tables`` or ``query``."""
    tables: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    """Several, each a source of its own, named by the last part of its name in lower case."""
    query: RenderedSql | None = None
    """One SELECT in the database's own SQL; may hold templates: ``updated_at >= {{ cursor.start | sql }}``."""
    columns: Columns = Field(default_factory=dict)
    """Columns and their types; taken from the database where none are declared."""

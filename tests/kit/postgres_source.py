"""A source on a PostgreSQL server: a schema of a test's own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

__all__ = ["Server"]


class Server:
    """A schema of its own on the server for tests."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = sa.create_engine(url)

    def run(self, *statements: str) -> None:
        """Run statements there."""
        with self.engine.begin() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)

    def source(self, **keys: Any) -> dict[str, Any]:
        """Give the config of a source there."""
        return {"type": "database", "url": self.url, **keys}

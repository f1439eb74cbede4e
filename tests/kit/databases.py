"""A place for a run history: a SQLite file, or a schema of its own on the PostgreSQL server for tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
import sqlalchemy as sa

__all__ = ["lake_settings", "postgres_database", "postgres_schema"]

POSTGRES = os.environ.get("DATAFLOW_TEST_POSTGRES", "postgresql+psycopg2://root@127.0.0.1:5432/test")


@contextmanager
def postgres_schema() -> Iterator[str]:
    """Give the URL of an empty schema, dropped afterwards; the test is skipped where there is no server."""
    engine = sa.create_engine(POSTGRES)
    schema = f"test_{uuid4().hex[:12]}"
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE SCHEMA {schema}")
    except sa.exc.OperationalError:
        pytest.skip("no PostgreSQL; set DATAFLOW_TEST_POSTGRES to a database of it")
    url = sa.make_url(POSTGRES).update_query_dict({"options": f"-csearch_path={schema}"})
    try:
        yield url.render_as_string(hide_password=False)
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"DROP SCHEMA {schema} CASCADE")
        engine.dispose()


@contextmanager
def postgres_database() -> Iterator[sa.URL]:
    """Give an empty database of its own, dropped afterwards; the test is skipped where there is no server."""
    engine = sa.create_engine(POSTGRES, isolation_level="AUTOCOMMIT")
    name = f"test_{uuid4().hex[:12]}"
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
    except sa.exc.OperationalError:
        pytest.skip("no PostgreSQL; set DATAFLOW_TEST_POSTGRES to a database of it")
    try:
        yield sa.make_url(POSTGRES).set(database=name)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
        engine.dispose()


@contextmanager
def lake_settings() -> Iterator[str]:
    """Give a `DATAFLOW_WAREHOUSE` that is a DuckLake of its own, whose catalog is dropped afterwards."""
    with postgres_schema() as url:
        place = sa.make_url(url)
        schema = str(place.query["options"]).removeprefix("-csearch_path=")
        plain = place.set(drivername="postgresql", query={}).render_as_string(hide_password=False)
        yield f"ducklake:{plain}?schema={schema}"

"""Databases of a test's own on the servers that are there for tests: PostgreSQL, and MariaDB or MySQL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from uuid import uuid4

import pytest
import sqlalchemy as sa

__all__ = ["lake_settings", "mariadb_database", "postgres_database", "postgres_schema"]

POSTGRES = os.environ.get("DATAFLOW_TEST_POSTGRES", "postgresql+psycopg2://root@127.0.0.1:5432/test")
MARIADB = os.environ.get("DATAFLOW_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306")


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


def postgres_database() -> AbstractContextManager[sa.URL]:
    """Give an empty database of its own, dropped afterwards; the test is skipped where there is no server."""
    missing = "no PostgreSQL; set DATAFLOW_TEST_POSTGRES to a database of it"
    return _own_database(POSTGRES, how_dropped="WITH (FORCE)", missing=missing)


def mariadb_database() -> AbstractContextManager[sa.URL]:
    """Give an empty database on MariaDB or MySQL, dropped afterwards; the test is skipped where there is no server."""
    missing = "no MariaDB; set DATAFLOW_TEST_MARIADB to a login of it that may create databases and users"
    return _own_database(MARIADB, how_made="CHARACTER SET utf8mb4", missing=missing)


@contextmanager
def _own_database(server: str, *, how_made: str = "", how_dropped: str = "", missing: str) -> Iterator[sa.URL]:
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"dataflow_{uuid4().hex[:12]}"  # a new MariaDB lets anybody do anything to one named test_...
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name} {how_made}")
    except sa.exc.OperationalError:
        pytest.skip(missing)
    try:
        yield sa.make_url(server).set(database=name)
    finally:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} {how_dropped}")
        engine.dispose()


@contextmanager
def lake_settings() -> Iterator[str]:
    """Give a `DATAFLOW_WAREHOUSE` that is a DuckLake of its own, whose catalog is dropped afterwards."""
    with postgres_schema() as url:
        place = sa.make_url(url)
        schema = str(place.query["options"]).removeprefix("-csearch_path=")
        plain = place.set(drivername="postgresql", query={}).render_as_string(hide_password=False)
        yield f"ducklake:{plain}?schema={schema}"

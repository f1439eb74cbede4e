"""DATAFLOW_WAREHOUSE as a DuckLake."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from dataflow.ducklake import DuckLake
from dataflow.errors import FatalError
from dataflow.masking import masked
from dataflow.s3.place import S3Place
from dataflow.settings import Settings
from kit.project import Project


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ducklake:lake_db", "ducklake:lake_db"),
        ("ducklake:lake_db?schema=dev", "ducklake:lake_db?schema=dev"),
        (
            "ducklake:postgresql://a:p%40ss-word@h:5433/db?sslmode=require",
            "ducklake:postgresql://a:***@h:5433/db?sslmode=require",
        ),
        ("ducklake:postgresql://a:p@ss-w:rd@h/db", "ducklake:postgresql://a:***@h/db"),
    ],
)
def test_a_lake_is_read_and_shown_without_its_password(text: str, shown: str):
    lake = DuckLake.parse(text)

    assert shown == str(lake)
    assert text == lake.setting
    assert "word" not in repr(lake)


def test_a_url_gives_the_connection_and_its_password_is_masked_from_then_on():
    connection = DuckLake.parse("ducklake:postgresql://a:p%40ss-word@h:5433/db?sslmode=require").connection()

    assert ("h", 5433, "db", "a", "p@ss-word") == (
        connection.host,
        connection.port,
        connection.schema,
        connection.login,
        connection.password,
    )
    assert {"sslmode": "require"} == connection.extra
    assert "no *** here" == masked("no p@ss-word here")


def test_a_connection_of_airflow_gives_it_too(monkeypatch: pytest.MonkeyPatch):
    fields = {"conn_type": "postgres", "host": "h", "schema": "db", "login": "a", "password": "geheim-1"}
    monkeypatch.setenv("AIRFLOW_CONN_LAKE_DB", json.dumps({**fields, "extra": {"sslmode": "require", "other": 1}}))

    connection = DuckLake.parse("ducklake:lake_db").connection()

    assert ("h", "db", {"sslmode": "require"}) == (connection.host, connection.schema, connection.extra)
    with pytest.raises(FatalError, match="there is no connection 'nobody'"):
        DuckLake.parse("ducklake:nobody").connection()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ducklake:", "write ducklake:<Airflow connection id> or"),
        ("ducklake:mysql://a:geheim@h/db", "no catalog"),
        ("ducklake:postgresql://a:geheim@h", "a host and a database"),
        ("ducklake:db?schema=No-such", "lower-case"),
        ("ducklake:db?data=/lake", "knows no data"),
    ],
)
def test_what_names_no_catalog_is_refused_without_repeating_it(text: str, told: str):
    with pytest.raises(ValueError, match=told) as refused:
        DuckLake.parse(text)
    assert "geheim" not in str(refused.value)


def test_the_setting_is_a_file_or_a_lake(project: Project, monkeypatch: pytest.MonkeyPatch):
    assert project.root / ".dataflow/warehouse.duckdb" == Settings.load(project.root).warehouse

    monkeypatch.setenv("DATAFLOW_WAREHOUSE", "ducklake:lake_db")
    monkeypatch.setenv("DATAFLOW_WAREHOUSE_DATA", "lake")
    settings = Settings.load(project.root)

    assert DuckLake("lake_db") == settings.warehouse
    assert project.root / "lake" == settings.warehouse_data
    with pytest.raises(FatalError, match="has no lock file"):
        _ = settings.lock_file


def test_the_data_may_lie_in_s3_and_a_warehouse_that_is_neither_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DATAFLOW_WAREHOUSE_DATA", "s3://aws@bucket/lake")
    assert S3Place("aws", "bucket", "lake") == Settings.load(project.root).warehouse_data

    monkeypatch.setenv("DATAFLOW_WAREHOUSE", "postgresql://a:geheim@h/db")
    with pytest.raises(ValidationError, match="a DuckDB file on a disk, or a DuckLake; ducklake:<Airflow"):
        Settings.load(project.root)

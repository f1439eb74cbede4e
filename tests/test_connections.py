from __future__ import annotations

import json

import pytest

from dataflow import connections, masking
from dataflow.connections import Connection, find_connection, look_up_with
from dataflow.errors import FatalError


@pytest.fixture(autouse=True)
def _nobody_set_a_lookup(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_lookups", [])


def test_a_uri_gives_every_field_unquoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SHOP_DB", "postgres://me:p%40ss@db.local:5433/shop?sslmode=require")

    found = find_connection("shop_db")

    assert found == Connection("shop_db", "postgres", "db.local", 5433, "shop", "me", "p@ss", {"sslmode": "require"})


@pytest.mark.parametrize("extra", [{"region_name": "x"}, json.dumps({"region_name": "x"})])
def test_json_gives_the_extras_however_they_are_written(monkeypatch: pytest.MonkeyPatch, extra: object) -> None:
    text = json.dumps({"conn_type": "aws", "login": "id", "password": "abcdef", "port": None, "extra": extra})
    monkeypatch.setenv("AIRFLOW_CONN_S3", text)

    found = find_connection("s3")

    assert (found.conn_type, found.login, found.port, found.extra) == ("aws", "id", None, {"region_name": "x"})


def test_passwords_and_secret_extras_are_masked_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_S3", '{"password": "first-one", "extra": {"session_token": "second-one"}}')

    found = find_connection("s3")

    assert masking.masked("first-one and second-one") == "*** and ***"
    assert "first-one" not in repr(found)


def test_an_engine_is_asked_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_A", "http://environment")
    monkeypatch.setenv("AIRFLOW_CONN_B", "http://environment")
    look_up_with(lambda each: Connection(each, host="engine") if each == "a" else None)

    assert [find_connection(each).host for each in ("a", "b")] == ["engine", "environment"]


@pytest.mark.parametrize("text", ["{", '{"extra": "["}', '{"port": "x"}', "http://h:port/"])
def test_what_is_no_connection_is_told_without_its_text(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_A", text)

    with pytest.raises(FatalError, match=r"^AIRFLOW_CONN_A holds no connection: write a URI or JSON, as for Airflow$"):
        find_connection("a")


def test_an_unknown_connection_says_how_to_add_it() -> None:
    with pytest.raises(FatalError, match=r"airflow connections add nobody .* set AIRFLOW_CONN_NOBODY"):
        find_connection("nobody")

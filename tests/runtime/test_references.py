"""References to Airflow's connections and variables in a run without Airflow."""

from __future__ import annotations

import pytest

from dataflow.errors import FatalError
from dataflow.runtime.references import is_secret, resolve_from_environment

URI = "s3://us%40er:p%2Fw@files.example.com:9000/lake?region=eu&aws_secret_access_key=abc"
JSON = (
    '{"conn_type": "s3", "host": "files.example.com", "login": "us@er", "password": "p/w", "port": 9000,'
    ' "schema": "lake", "extra": {"region": "eu", "aws_secret_access_key": "abc"}}'
)


@pytest.mark.parametrize("written", [URI, JSON])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", "files.example.com"),
        ("login", "us@er"),
        ("password", "p/w"),
        ("port", "9000"),
        ("schema", "lake"),
        ("region", "eu"),
        ("aws_secret_access_key", "abc"),
    ],
)
def test_a_field_of_a_connection_is_read_as_airflow_reads_it(
    written: str, field: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_DROP_ZONE", written)

    assert value == resolve_from_environment(f"conn:drop_zone.{field}")


def test_a_variable_is_read_as_airflow_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_DROP_FOLDER", "/srv/drop")

    assert "/srv/drop" == resolve_from_environment("var:drop_folder")


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (
            "conn:nowhere.password",
            r"\$\{conn:nowhere.password\}: there is no connection 'nowhere': .* set AIRFLOW_CONN_NOWHERE",
        ),
        ("var:nothing", r"\$\{var:nothing\}: outside of Airflow it is read from AIRFLOW_VAR_NOTHING, which is not set"),
        ("conn:bare.password", "the connection in AIRFLOW_CONN_BARE has no password"),
        ("conn:bare.token", "the connection in AIRFLOW_CONN_BARE has no token"),
        ("conn:torn.host", "AIRFLOW_CONN_TORN holds no connection: write a URI or JSON"),
        ("conn:odd.host", "AIRFLOW_CONN_ODD holds no connection: write a URI or JSON"),
    ],
)
def test_what_is_not_there_is_told_by_its_variable_and_never_by_its_value(
    reference: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_BARE", "http://files.example.com")
    monkeypatch.setenv("AIRFLOW_CONN_TORN", '{"password": "hunter22"')
    monkeypatch.setenv("AIRFLOW_CONN_ODD", "http://me:hunter22@files:port")

    with pytest.raises(FatalError, match=told) as raised:
        resolve_from_environment(reference)

    assert "hunter22" not in str(raised.value)


@pytest.mark.parametrize(
    ("reference", "secret"),
    [
        ("conn:drop.password", True),
        ("conn:drop.region", True),
        ("conn:drop.host", False),
        ("var:drop_token", True),
        ("var:drop_folder", False),
        ("ORDERS_API_KEY", True),
        ("KEY_FOLDER", False),
        ("HOME", False),
    ],
)
def test_what_is_secret_is_seen_by_its_name(reference: str, secret: bool) -> None:
    assert secret is is_secret(reference)

"""What the page shows of a config: references as they are written, and never what may be a secret."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dataflow.spec.workflow import WorkflowSpec
from dataflow.web.written import describe_sources, describe_tables, shown_secret


def spec_of(**source: Any) -> WorkflowSpec:
    given = {"name": "shop", "description": "d", "owner": "o", "schedule": "manual", "start_date": "2025-01-01"}
    return WorkflowSpec.model_validate({**given, "sources": {"orders": source}})


def config_of(**source: Any) -> dict[str, Any]:
    source = {"columns": {"id": "BIGINT"}, **source}
    [shown] = describe_sources(WorkflowSpec.from_public(spec_of(**source).public()))
    return shown.config


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("${SHOP_DB}", "${SHOP_DB}"),
        ("${conn:shop}", "${conn:shop}"),
        ("${SHOP_DB:-hunter2}", "${SHOP_DB}"),
        ("postgresql://shop:hunter2@${HOST}/db", "***${HOST}***"),
        ("postgresql://${USER}:${PASSWORD}@db/shop", "***${USER}***${PASSWORD}***"),
        ("$${hunter2}", "***"),
        ("hunter2", "***"),
        ("sqlite:///data/shop.db", "sqlite:///data/shop.db"),
        ("sqlite:///data/shop.db?key=hunter2", "***"),
    ],
)
def test_of_a_secret_only_references_are_shown(written: str, shown: str):
    assert shown == shown_secret(written)


def test_a_database_is_shown_as_written():
    shown = config_of(type="database", url="${SHOP_DB}", table="orders", incremental={"cursor": "updated_at"})

    assert {"url": "${SHOP_DB}", "table": "orders", "incremental": {"cursor": "updated_at"}} == shown


def test_an_api_is_shown_with_the_references_of_its_login():
    shown = config_of(
        type="api",
        url="https://${HOST}/v1/orders",
        auth={"type": "bearer", "token": "${TOKEN:-hunter2}"},
        headers={"X-Key": "${KEY}", "Accept": "application/json"},
    )

    assert {
        "url": "https://${HOST}/v1/orders",
        "auth": {"type": "bearer", "token": "${TOKEN}"},
        "headers": {"X-Key": "${KEY}", "Accept": "application/json"},
    } == shown


def test_a_file_in_s3_is_shown_with_its_place():
    shown = config_of(type="file", path="s3://aws@${BUCKET}/orders/*.csv", format="csv", options={"delim": ";"})

    assert {"path": "s3://aws@${BUCKET}/orders/*.csv", "format": "csv", "options": {"delim": ";"}} == shown


def test_a_password_in_an_address_is_not_shown():
    shown = config_of(type="api", url="https://shop:hunter2@api.example/orders")

    assert "hunter2" not in json.dumps(shown)


def test_tables_tell_path_and_sensitivity_of_each_column():
    columns = {"email": {"type": "VARCHAR", "path": "contact.email", "sensitive": True}, "id": "BIGINT"}
    [table] = describe_tables(spec_of(type="api", url="https://api.example", columns=columns))

    assert [("email", "contact.email", True), ("id", None, False)] == [
        (column.name, column.path, column.sensitive) for column in table.declared
    ]

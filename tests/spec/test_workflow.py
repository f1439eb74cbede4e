from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dataflow.spec.params import Param, param_schema
from dataflow.spec.workflow import WorkflowSpec

names = st.from_regex(r"[a-z][a-z0-9_]{1,9}", fullmatch=True)
columns = st.dictionaries(names, st.sampled_from(["BIGINT", "VARCHAR", "DECIMAL(12,2)"]), min_size=1, max_size=3)
sources = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("mock"), "columns": columns}, optional={"rows": st.integers(0, 9), "seed": st.integers()}
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("file"),
            "path": st.just("${ORDERS:-data}/*.csv"),
            "format": st.just("csv"),
            "columns": columns,
        },
        optional={
            "options": st.just({"delim": ";", "skip": 1}),
            "incremental": st.just({"cursor": "day", "lag": "3d"}),
        },
    ),
    st.fixed_dictionaries({"type": st.just("published"), "table": st.just("shop.orders")}),
    st.fixed_dictionaries({"type": st.just("python")}, optional={"windowed": st.booleans()}),
)
transforms = st.sampled_from(
    [
        ["deduplicate", {"filter": "amount > 0"}],
        {"from": "orders", "stages": [{"derive": {"net": "amount - tax"}}]},
        [{"check": {"unique": "order_id", "max_failures": "1%"}}],
    ]
)
schedules = st.sampled_from(
    ["manual", "@daily", {"cron": "0 2 * * *", "timezone": "Europe/Berlin"}, {"assets": ["warehouse/shop/orders"]}]
)
configs = st.fixed_dictionaries(
    {
        "name": names,
        "description": st.just("x"),
        "owner": st.just("x"),
        "sources": st.dictionaries(names, sources, min_size=1, max_size=3),
    },
    optional={
        "schedule": schedules,
        "start_date": st.dates().map(str),
        "retry_delay": st.sampled_from(["30s", "1h30m", "2d"]),
        "transform": st.dictionaries(names, transforms, max_size=2),
        "validate": st.dictionaries(names, st.just([{"not_null": "order_id"}]), max_size=2),
        "load": st.dictionaries(names, st.just({"mode": "merge", "key": "order_id"}), max_size=2),
        "params": st.dictionaries(names, st.just({"type": "string", "default": None, "minLength": 1}), max_size=2),
    },
)


@given(configs)
def test_what_is_public_is_json_and_reads_back(config: dict[str, object]) -> None:
    spec = WorkflowSpec.model_validate(config)

    assert spec == WorkflowSpec.from_public(json.loads(json.dumps(spec.public())))


def test_what_is_public_leaves_defaults_out_and_references_as_they_are() -> None:
    source = {"type": "file", "path": "${ORDERS}/*.parquet", "format": "parquet"}
    config = {"name": "shop", "description": "x", "owner": "x", "sources": {"orders": source}}

    assert config == WorkflowSpec.model_validate(config).public()


def test_a_spec_never_changes() -> None:
    spec = WorkflowSpec.model_validate(
        {"name": "shop", "description": "x", "owner": "x", "sources": {"orders": {"type": "python"}}}
    )

    with pytest.raises(ValidationError, match="frozen"):
        spec.owner = "y"  # type: ignore[misc]


def test_a_null_default_makes_a_param_nullable() -> None:
    param = Param.model_validate({"type": "string", "format": "date", "enum": ["2025-01-01"]})

    assert {"type": ["string", "null"], "format": "date", "enum": ["2025-01-01", None]} == param_schema(param)


def test_a_param_with_a_default_keeps_its_type() -> None:
    param = Param.model_validate({"type": "integer", "default": 5, "minimum": 1, "description": "Rows."})

    assert {"type": "integer", "minimum": 1, "description": "Rows."} == param_schema(param)

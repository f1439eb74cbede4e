from __future__ import annotations

import pytest

from dataflow.spec.tables import base_source, is_windowed_table, load_of, tables_named_in_sql, tables_of
from dataflow.spec.workflow import WorkflowSpec

FILE = {"type": "file", "path": "orders.parquet", "format": "parquet"}


def spec_of(**more: object) -> WorkflowSpec:
    return WorkflowSpec.model_validate(
        {"name": "shop", "description": "x", "owner": "x", "sources": {"orders": FILE}, **more}
    )


def test_tables_are_the_sources_then_the_further_outputs() -> None:
    spec = spec_of(transform={"report": [{"sql": "from orders"}], "orders": ["deduplicate"]})

    assert ("orders", "report") == tables_of(spec)


def test_an_output_starts_from_the_source_that_it_names() -> None:
    spec = spec_of(transform={"clean": {"from": "orders", "stages": []}, "report": [{"sql": "from orders"}]})

    assert ("orders", "orders", None) == tuple(base_source(spec, each) for each in ("orders", "clean", "report"))


@pytest.mark.parametrize(
    ("source", "load", "expected"),
    [
        ({}, {}, "replace"),
        ({"incremental": {"cursor": "updated_at"}}, {}, "append"),
        ({"path": "{{ window.start }}.parquet"}, {}, "append"),
        ({}, {"key": "order_id"}, "merge"),
        ({}, {"key": "order_id", "mode": "append"}, "append"),
    ],
)
def test_the_default_load_follows_key_and_window(
    source: dict[str, object], load: dict[str, object], expected: str
) -> None:
    spec = spec_of(sources={"orders": {**FILE, **source}}, load={"orders": load})

    assert expected == load_of(spec, "orders")[0]


def test_a_path_with_other_templates_is_not_windowed() -> None:
    spec = spec_of(sources={"orders": {**FILE, "path": "{{ params.region }}.parquet"}})

    assert is_windowed_table(spec, "orders") is False


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select * from orders", {"orders"}),
        ("SELECT * FROM Orders JOIN customers USING (id)", {"orders", "customers"}),
        ("select * from orders, customers", {"orders", "customers"}),
        ("select * from batch.orders join customers using (id)", {"batch.orders", "customers"}),
        ("select orders from elsewhere", set()),
    ],
)
def test_tables_are_found_in_sql(sql: str, expected: set[str]) -> None:
    assert expected == tables_named_in_sql(sql, frozenset({"orders", "customers"}))

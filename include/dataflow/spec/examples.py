"""What people write for each key: shown by editors and in the reference. Every example fits its key; a test says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["EXAMPLES"]

EXAMPLES: Mapping[str, Mapping[str, tuple[Any, ...]]] = {
    "WorkflowSpec": {
        "extends": ("daily_files",),
        "with": ({"table": "orders", "retries": 5},),
        "title": ("Shop orders",),
        "description": ("Orders of the shop, cleaned and modelled for the sales dashboard.",),
        "owner": ("sales-analytics",),
        "domain": ("shop.orders",),
        "owner_links": ({"sales-analytics": "mailto:sales@example.com"},),
        "tags": (["sales", "daily"],),
        "schedule": (
            "@daily",
            "30 2 * * 1-5",
            "manual",
            {"cron": "0 2 * * *", "timezone": "Europe/Berlin"},
            {"cron": "@monthly", "partition": "month"},
            {"assets": ["warehouse/shop/daily_sales"], "match": "any"},
        ),
        "start_date": ("2025-01-01",),
        "catchup": (True,),
        "max_active_runs": (4,),
        "retries": (5,),
        "retry_delay": ("5m",),
        "retry_exponential_backoff": (True,),
        "never_retry": (["ContractError", "httpx.InvalidURL"],),
        "execution_timeout": ("2h",),
        "dagrun_timeout": ("1d",),
        "deadline": ("2h", {"within": "2h", "of": "logical_date"}),
        "pool": ("shop_api",),
        "priority_weight": (10,),
        "params": (
            {"full_refresh": {"type": "boolean", "default": False, "description": "Reload everything"}},
            {"week_ending": {"type": "string", "format": "date", "default": None}},
        ),
        "settings": ({"vat": 1.19},),
        "wait_for": ([{"file": "s3://aws@inbox/{{ window.start | date }}/_SUCCESS", "timeout": "6h"}],),
        "sources": (
            {"orders": {"type": "file", "path": "data/*.csv", "format": "csv", "columns": {"order_id": "BIGINT"}}},
        ),
        "validate": ({"orders": [{"not_null": "order_id"}, {"range": {"column": "amount", "min": 0}}]},),
        "transform": ({"orders": ["deduplicate", {"derive": {"net": "amount - tax"}}, {"filter": "net > 0"}]},),
        "load": ({"orders": {"mode": "merge", "key": "order_id", "newest_by": "updated_at"}},),
        "dbt": ({"execution": "local", "tests": "after_all"},),
        "publish": ({"models": ["daily_sales"]},),
        "steps": (
            ["ingest", {"gate": "enough_rows"}, "validate", "transform", "dbt", "publish"],
            [
                {"run": "rebuild", "with": {"batch": 500}},
                {"approve": {"subject": "Publish?", "timeout": "1d"}},
                "publish",
            ],
        ),
        "notify": ([{"events": ["failure", "late"], "connection": "team_alerts"}],),
    },
    "DatabaseSource": {
        "connection": ("shop_db",),
        "url": ("${SHOP_DB_URL}",),
        "table": ("customers", "public.customers"),
        "tables": (["public.customers", "public.orders"],),
        "query": ("select id, total from orders where placed_at >= {{ window.start | sql }}",),
        "incremental": ({"cursor": "updated_at", "start": "2020-01-01", "lag": "1h"},),
    },
    "FileSource": {
        "path": ("data/products/*.csv", "data/{{ window.start | date('%Y/%m') }}/*.csv", "${DROP:-/srv/drop}/a.csv"),
        "options": ({"delim": ";", "nullstr": "-"},),
        "columns": ({"order_id": "BIGINT", "amount": "DECIMAL(12,2)"},),
        "incremental": ({"cursor": "updated_at", "start": "2020-01-01", "lag": "1h"},),
    },
    "PythonSource": {"callable": ("ingestion:orders", "pipelines.shop:orders"), "options": ({"region": "eu"},)},
    "MockSource": {"rows": (50,), "seed": (7,)},
    "PublishedSource": {"table": ("shop.daily_sales",)},
    "Column": {"type": ("BIGINT", "DECIMAL(12,2)", "TIMESTAMPTZ"), "description": ("When it was placed.",)},
    "Incremental": {"cursor": ("updated_at",), "start": ("2020-01-01",), "lag": ("1h",)},
    "Check": {
        "not_null": (["order_id", "customer_id"],),
        "unique": ("order_id", ["order_id", "updated_at"]),
        "accepted_values": ({"column": "status", "values": ["placed", "shipped"]},),
        "range": ({"column": "amount", "min": 0},),
        "row_count": ({"min": 1},),
        "freshness": ({"column": "updated_at", "max_age": "2d"},),
        "relationships": ({"column": "customer_id", "to": "customers.customer_id"},),
        "sql": ("select * from orders where amount < tax",),
        "name": ("tax_is_part_of_amount",),
        "where": ("status = 'placed'",),
        "max_failures": ("1%", 10),
    },
    "Stage": {
        "deduplicate": ({"key": "order_id", "order_by": "updated_at desc"},),
        "normalize_timestamps": ({"columns": ["updated_at"], "timezone": "UTC"},),
        "derive": ({"net": "amount - tax"},),
        "filter": ("amount > 0",),
        "rename": ({"email": "contact_email"},),
        "select": (["order_id", "amount"],),
        "drop": ("internal_note",),
        "cast": ({"amount": "DECIMAL(12,2)"},),
        "unnest": ("items",),
        "sql": ("select status, count(*) as orders from orders group by status",),
        "python": ("orders", "pipelines.shop:orders"),
        "check": ({"row_count": {"min": 1}},),
    },
    "Dbt": {"full_refresh": ("params.full_refresh",)},
}
"""By the name of the model and the key as it is written."""

"""A schedule in a few words."""

from __future__ import annotations

from typing import Any

import pytest

from dataflow.spec.schedule_text import schedule_text
from dataflow.spec.workflow import WorkflowSpec


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        ("manual", "manual"),
        ("@daily", "@daily"),
        ({"cron": "0 2 * * *"}, "0 2 * * *"),
        ({"cron": "0 2 * * *", "timezone": "Europe/Berlin"}, "0 2 * * * Europe/Berlin"),
        ({"cron": "@monthly", "partition": "month"}, "@monthly, one partition a month"),
        ({"assets": ["warehouse/shop/sales"]}, "warehouse/shop/sales"),
        ({"assets": ["raw/aa/bb", "raw/cc/dd"]}, "raw/aa/bb and raw/cc/dd"),
        ({"assets": ["raw/aa/bb", "raw/cc/dd"], "match": "any"}, "raw/aa/bb or raw/cc/dd"),
        ({"file": "inbox/*.csv"}, "a new file inbox/*.csv"),
        ({"cron": "@daily", "assets": ["raw/aa/bb"]}, "@daily or raw/aa/bb"),
    ],
)
def test_a_schedule_is_told_in_a_few_words(schedule: Any, text: str):
    sources = {"events": {"type": "mock", "rows": 1, "columns": {"event_id": "BIGINT"}}}
    spec = WorkflowSpec(name="shop", description="Sales.", owner="sales", schedule=schedule, sources=sources)

    assert text == schedule_text(spec.schedule)

from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from dataflow.spec.schedule import Schedule, cron_of, is_windowed_by_ticks, timezone_of

adapter: TypeAdapter[Schedule] = TypeAdapter(Schedule)


@pytest.mark.parametrize(
    ("written", "cron", "zone", "by_ticks"),
    [
        ("manual", None, "UTC", False),
        ("@daily", "0 0 * * *", "UTC", True),
        ("5 4 * * *", "5 4 * * *", "UTC", True),
        ({"cron": "@weekly", "timezone": "Europe/Berlin"}, "0 0 * * 0", "Europe/Berlin", True),
        ({"cron": "@daily", "assets": ["raw/shop/orders"]}, "0 0 * * *", "UTC", False),
        ({"assets": ["raw/shop/orders"]}, None, "UTC", False),
    ],
)
def test_every_form_says_when_it_ticks(written: object, cron: str | None, zone: str, by_ticks: bool) -> None:
    schedule = adapter.validate_python(written)

    assert (cron, zone, by_ticks) == (cron_of(schedule), timezone_of(schedule), is_windowed_by_ticks(schedule))

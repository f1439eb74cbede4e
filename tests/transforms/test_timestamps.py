"""Times of every form become TIMESTAMPTZ, or say why not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataflow.errors import ContractError, FatalError
from dataflow.identifiers import quote
from dataflow.interval import Interval
from dataflow.spec.transforms import TransformBody
from dataflow.transforms.apply import apply_stages

WINDOW = Interval(datetime(2025, 1, 1, tzinfo=UTC), datetime(2025, 1, 2, tzinfo=UTC))


def normalize(select: str, parameters: list[Any] | None = None, *, zone: str = "Europe/Berlin") -> list[Any]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(f"CREATE TABLE seen AS SELECT {select} AS seen_at", parameters or [])
        transform = {"stages": [{"normalize_timestamps": {"columns": "seen_at", "timezone": zone}}]}
        relation = apply_stages(
            connection,
            TransformBody.model_validate(transform),
            name="seen",
            source="seen",
            window=WINDOW,
            python=lambda name, relation: str(relation),
            check=lambda check, relation: None,
        )
        found = connection.execute(f"SELECT seen_at, typeof(seen_at) FROM {quote(relation)}").fetchall()
    assert {"TIMESTAMP WITH TIME ZONE"} == {kind for _, kind in found}
    return [None if at is None else at.astimezone(UTC).isoformat() for at, _ in found]


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("'2025-07-01T10:00:00+02:00'", "2025-07-01T08:00:00+00:00"),
        ("'2025-07-01 10:00:00 +0200'", "2025-07-01T08:00:00+00:00"),
        ("'2025-07-01T10:00Z'", "2025-07-01T10:00:00+00:00"),
        ("'2025-07-01T10:00:00.25z'", "2025-07-01T10:00:00.250000+00:00"),
        ("'2025-07-01T10:00:00,5-03'", "2025-07-01T13:00:00.500000+00:00"),
        ("'2025-07-01T10:00:00'", "2025-07-01T08:00:00+00:00"),
        ("' 2025-01-01 10:00 '", "2025-01-01T09:00:00+00:00"),
        ("'2025-07-01'", "2025-06-30T22:00:00+00:00"),
        ("NULL::VARCHAR", None),
        ("TIMESTAMP '2025-07-01 10:00:00'", "2025-07-01T08:00:00+00:00"),
        ("TIMESTAMP_NS '2025-07-01 10:00:00'", "2025-07-01T08:00:00+00:00"),
        ("TIMESTAMPTZ '2025-07-01 10:00:00+05'", "2025-07-01T05:00:00+00:00"),
        ("DATE '2025-07-01'", "2025-06-30T22:00:00+00:00"),
    ],
)
def test_each_form_is_read_in_its_own_zone_or_the_one_given(value, moment):
    assert [moment] == normalize(value)


@pytest.mark.parametrize("text", ["yesterday", "", "01.07.2025", "2025-02-30", "2025-07-01T10:00:00+99:99:99", "10:00"])
def test_a_text_that_is_no_time_breaks_the_contract(text):
    with pytest.raises(ContractError) as caught:
        normalize("unnest([?, '2025-01-01'])", [text])

    assert (
        f"seen: stage 1 (normalize_timestamps): seen_at: {text!r} is no ISO 8601 time "
        "such as 2025-01-31T08:30:00+01:00 (1 rows hold such text)"
    ) == str(caught.value)


def test_a_number_is_no_time():
    with pytest.raises(ContractError, match="seen_at is INTEGER, neither text nor a timestamp; `cast` it first"):
        normalize("5")


def test_an_unknown_zone_is_told_with_its_neighbours():
    with pytest.raises(FatalError, match=r"Unknown TimeZone 'Europe/Berln'.*Europe/Berlin"):
        normalize("'2025-01-01'", zone="Europe/Berln")


@settings(deadline=None, max_examples=50)
@given(
    moment=st.datetimes(datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2100-01-01")),
    offset=st.one_of(st.none(), st.integers(-14 * 60, 14 * 60)),
)
def test_pythons_own_iso_text_gives_the_same_moment(moment, offset):
    if offset is not None:
        moment = moment.replace(tzinfo=timezone(timedelta(minutes=offset)))
    zone = ZoneInfo("Asia/Tokyo")
    expected = moment if offset is not None else moment.replace(tzinfo=zone)

    assert [expected.astimezone(UTC).isoformat()] == normalize("?", [moment.isoformat()], zone="Asia/Tokyo")

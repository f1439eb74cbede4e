"""Templates and references in a source's fields."""

from __future__ import annotations

from datetime import date

import pytest

from dataflow.errors import FatalError
from dataflow.runtime.render import Values, render, render_source
from dataflow.spec.sources import FileSource, MockSource
from kit.runs import day, days

HOME = {"HOME_OF_DATA": "/data", "EMPTY": "", "TRICKY": "{{ run_id }} ${HOME_OF_DATA}"}


def rendered(text: str, **values: object) -> str:
    known: dict = {"window": days(0, 1), "run_id": "r1", "environment": HOME} | values
    return render(text, values=Values(**known), key="sources.orders.path")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("{{ window.start }}", "2025-01-01T00:00:00Z"),
        ("{{ window.end | iso }}", "2025-01-02T00:00:00Z"),
        ("in/{{ window.start | date }}/*.csv", "in/2025-01-01/*.csv"),
        ("{{ window.start | date('%Y/%m') }}", "2025/01"),
        ("{{ window.start | date('%d', 'America/New_York') }}", "31"),
        ("{{ run_id }}", "r1"),
        ("{{ params.week }}-{{ settings.vat }}", "2025-01-06-1.19"),
        ("{{ cursor.start | date }}", "2025-01-04"),
        ("{{ partition_key }}", "2025-01"),
        ("where id in {{ params.ids | sql }}", "where id in ('it''s', 2, true, NULL)"),
        ("{{ window.start | sql }}", "TIMESTAMPTZ '2025-01-01T00:00:00+00:00'"),
        ("{{ params.week | sql }}", "DATE '2025-01-06'"),
        ("${HOME_OF_DATA}/x", "/data/x"),
        ("${HOME_OF_DATA}/{{ window.start | date }}", "/data/2025-01-01"),
        ("${UNSET:-fallback}", "fallback"),
        ("${EMPTY:-fallback}", "fallback"),
        ("${EMPTY}", ""),
        ("$${HOME_OF_DATA}", "${HOME_OF_DATA}"),
        ("costs $5", "costs $5"),
    ],
)
def test_a_text_is_rendered(text, expected):
    params = {"week": date(2025, 1, 6), "ids": ["it's", 2, True, None]}

    assert expected == rendered(text, params=params, settings={"vat": 1.19}, cursor=days(3, 4), partition_key="2025-01")


def test_the_value_of_a_reference_is_never_read_as_a_template():
    assert "{{ run_id }} ${HOME_OF_DATA}" == rendered("${TRICKY}")


def test_what_a_template_gives_is_never_read_as_a_reference():
    assert "${HOME_OF_DATA}" == rendered("{{ params.text }}", params={"text": "${HOME_OF_DATA}"})


def test_airflows_references_are_resolved_by_the_engine():
    assert "<conn:shop.host>" == rendered("${conn:shop.host}", resolve=lambda lookup: f"<{lookup}>")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("${UNSET}", "sources.orders.path: the variable UNSET is not set"),
        ("${conn:shop.host}", "known to Airflow only"),
        ("${9}", "is no reference"),
        ("${open", "is no reference"),
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{{ cursor.start }}", "'cursor' is undefined"),
        ("{{ params.nothing }}", "nothing"),
        ("{{ params.null }}", "a value is null"),
        ("{{ window.start", "sources.orders.path: "),
        ("{% if true %}x{% endif %}", "only {{ }} is rendered"),
        ("{{ 5 | date }}", "`date` takes a moment"),
        ("{{ range(10) }}", "'range' is undefined"),
        ("{{ window.start | upper }}", "No filter named 'upper'"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{{ params.ids.append(1) }}", "is unsafe"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_what_cannot_be_rendered_is_an_error_that_names_the_key(text, told):
    with pytest.raises(FatalError) as caught:
        rendered(text, params={"null": None, "ids": []})

    assert told in str(caught.value)
    assert "sources.orders.path" in str(caught.value)


def test_a_copy_of_the_source_is_rendered():
    source = FileSource(type="file", path="{{ window.start | date }}.csv", format="csv")
    done = render_source("orders", source, values=Values(window=days(0, 1), run_id="r"))

    assert ("2025-01-01.csv", "{{ window.start | date }}.csv") == (done.path, source.path)


def test_a_source_without_templates_stays_as_it_is():
    source = MockSource(type="mock", columns={"id": {"type": "BIGINT"}})

    assert source == render_source("orders", source, values=Values(window=days(0, 1), run_id="r"))


def test_a_moment_of_another_zone_is_told_in_utc():
    from zoneinfo import ZoneInfo

    moment = day(0).astimezone(ZoneInfo("Asia/Tokyo"))

    assert "2025-01-01T00:00:00Z" == rendered("{{ params.at }}", params={"at": moment})

"""Templates and references in a source's fields."""

from __future__ import annotations

from datetime import date

import pytest

from dataflow.errors import FatalError
from dataflow.runtime.render import Values, render, render_source
from dataflow.spec.sources import ApiSource, FileSource, MockSource
from dataflow.spec.sources.credentials import BasicLogin
from kit.landing import DAY
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


def test_every_text_of_an_api_is_rendered_and_what_is_secret_is_masked_whatever_it_is_called() -> None:
    source = ApiSource.model_validate(
        {
            "type": "api",
            "url": "${SHOP}/v1",
            "method": "POST",
            "headers": {"Authorization": "Bearer ${SHOP_LOGIN}", "User-Agent": "${SHOP}"},
            "query": {"since": "{{ cursor.start }}", "days": ["{{ window.start | date }}", 5]},
            "body": {"range": {"to": ["{{ cursor.end | date }}"]}, "deep": True},
            "auth": {"type": "basic", "username": "${SHOP}", "password": "${A}"},
            "columns": {"id": "BIGINT"},
        }
    )
    masked: list[str] = []
    environment = {"SHOP": "https://shop.example", "SHOP_LOGIN": "5f2a{{ x }}", "A": "pa$$"}

    rendered = render_source(
        "orders",
        source,
        values=Values(window=DAY, run_id="r", cursor=DAY, environment=environment, mask=masked.append),
    )

    assert isinstance(rendered, ApiSource)
    assert "https://shop.example/v1" == rendered.url
    assert {"Authorization": "Bearer 5f2a{{ x }}", "User-Agent": "https://shop.example"} == rendered.headers
    assert {
        "since": DAY.start.isoformat().replace("+00:00", "Z"),
        "days": [f"{DAY.start:%Y-%m-%d}", 5],
    } == rendered.query
    assert {"range": {"to": [f"{DAY.end:%Y-%m-%d}"]}, "deep": True} == rendered.body
    assert isinstance(rendered.auth, BasicLogin)
    assert ("https://shop.example", "pa$$") == (rendered.auth.username, rendered.auth.password)
    assert ["5f2a{{ x }}", "pa$$"] == masked


def test_what_does_not_render_deep_down_is_named() -> None:
    source = ApiSource.model_validate(
        {"type": "api", "url": "u", "query": {"a": ["x", "${MISSING}"]}, "columns": {"id": "BIGINT"}}
    )

    with pytest.raises(FatalError, match=r"sources\.orders\.query\.a\.1: the variable MISSING is not set"):
        render_source("orders", source, values=Values(window=DAY, run_id="r", environment={}))

"""The tabs of a DAG and of a run, in a real browser."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from kit.site import Site
    from kit.visit import Visit

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.slow]

RUN = "odd__2025-01-09T00:00:00+00:00"
"""The odd run of ``orders``, see `let_orders_run`; Airflow is told of it by `known_run`."""


@pytest.fixture(scope="module")
def known_run(simple: Site) -> str:
    """Let Airflow know the run, too, and give its page's path."""
    with simple.client("op") as op:
        started = op.post("/api/v2/dags/orders/dagRuns", json={"dag_run_id": RUN, "logical_date": None})
        assert started.is_success, started.text
    return f"/dags/orders/runs/{quote(RUN)}"


def test_the_workflow_tab_is_reached_from_a_dag_and_shows_what_waits_in_quarantine(visit: Visit):
    visit.page.goto(f"{visit.address}/dags/orders")
    visit.page.get_by_role("link", name="Workflow", exact=True).click()
    quarantine = visit.page.get_by_role("region", name="Quarantine")

    expect(quarantine).to_contain_text("8 rows wait")
    expect(quarantine.get_by_role("table")).to_contain_text("event_id is above 17363808000000051 in 8 of 60 rows")
    expect(quarantine).to_contain_text("dataflow quarantine show 3")


def test_the_workflow_tab_says_which_rows_a_replay_would_skip_and_that_corrections_are_kept(visit: Visit):
    visit.page.goto(f"{visit.address}/dags/orders/plugin/workflow")
    quarantine = visit.page.get_by_role("region", name="Quarantine")

    expect(quarantine.get_by_text("read again", exact=True)).to_have_count(1)
    expect(quarantine).to_contain_text(
        "has read these rows again since, and judged them: a replay puts none of them back"
    )
    expect(quarantine).to_contain_text("1 correction is made again")
    expect(quarantine).to_contain_text("dataflow quarantine corrections orders")


def test_the_workflow_tab_plots_what_anomaly_checks_measured(visit: Visit):
    visit.page.goto(f"{visit.address}/dags/orders/plugin/workflow")
    plot = visit.page.get_by_role("img", name=re.compile("anomaly_row_count of the last 9 windows, 1 outside"))

    expect(plot).to_be_visible()
    assert [9, 1] == [plot.locator(part).count() for part in ("circle", "polygon")]


def test_the_workflow_tab_shows_sources_and_which_columns_are_sensitive(visit: Visit):
    visit.page.goto(f"{visit.address}/dags/orders/plugin/workflow")
    columns = visit.page.get_by_role("table", name="Columns of events")

    expect(visit.page.get_by_role("table", name="Sources")).to_contain_text("rows: 5")
    expect(columns.get_by_role("row", name=re.compile("^kind"))).to_contain_text("sensitive")
    expect(columns.get_by_role("row", name=re.compile("^event_id"))).not_to_contain_text("sensitive")


def test_the_run_tab_shows_rows_that_failed_once_they_are_asked_for(visit: Visit, known_run: str):
    visit.page.goto(f"{visit.address}{known_run}")
    visit.page.get_by_role("link", name="Run", exact=True).click()
    checks = visit.page.get_by_role("table", name="Checks", exact=True)
    rows = visit.page.get_by_role("table", name="Rows that fail range_event_id")
    expect(checks).to_contain_text("quarantined")
    expect(rows).to_be_hidden()
    visit.page.get_by_test_id("sample-range_event_id").locator("summary").focus()
    visit.page.keyboard.press("Enter")

    expect(rows).to_be_visible()
    expect(rows.get_by_text("***")).to_have_count(5)


def test_the_run_tab_shows_what_is_odd_changed_and_set_aside(visit: Visit, known_run: str):
    visit.page.goto(f"{visit.address}{known_run}/plugin/run")
    told = {
        name: visit.page.get_by_role("region", name=name) for name in ("Anomalies", "Changed columns", "Quarantine")
    }

    expect(told["Anomalies"]).to_contain_text("row_count is 51 rows")
    expect(told["Anomalies"].get_by_text("warning", exact=True)).to_be_visible()
    expect(told["Changed columns"]).to_contain_text("channel")
    expect(told["Changed columns"]).to_contain_text("appeared")
    expect(told["Quarantine"].get_by_text("read again", exact=True)).to_be_visible()
    expect(told["Quarantine"]).not_to_contain_text("rows wait")


@pytest.mark.parametrize("tab", ["/dags/orders/plugin/workflow", f"/dags/orders/runs/{RUN}/plugin/run"])
def test_beside_airflows_grid_on_a_small_screen_no_table_of_a_tab_is_cut_off(visit: Visit, known_run: str, tab: str):
    visit.page.set_viewport_size({"width": 800, "height": 900})
    visit.page.goto(visit.address + tab)
    expect(visit.page.get_by_role("region", name="Quarantine").get_by_role("table")).to_be_visible()
    tables = visit.page.get_by_role("region").get_by_role("table")

    reach = "table => table.parentElement.scrollWidth - table.parentElement.clientWidth"
    assert {0} == {table.evaluate(reach) for table in tables.all() if table.is_visible()}


def test_a_run_that_the_page_links_to_has_its_tab_marked(visit: Visit, known_run: str):
    visit.page.goto(f"{visit.address}/dags/orders/plugin/workflow")
    quarantine = visit.page.get_by_role("region", name="Quarantine")
    quarantine.get_by_role("row", name=re.compile("^1 ")).get_by_role("link").click()

    expect(visit.page.get_by_role("link", name="Run", exact=True)).to_have_attribute("aria-current", "page")


def test_tabs_say_so_where_there_is_nothing(visit: Visit):
    visit.page.goto(f"{visit.address}/dags/stock/plugin/workflow")
    expect(visit.page.get_by_text("Nothing waits in quarantine.")).to_be_visible()
    expect(visit.page.get_by_text("No anomaly check has measured anything yet.")).to_be_visible()
    assert [] == visit.errors
    visit.page.goto(f"{visit.address}/dags/by_hand/plugin/workflow")

    expect(visit.page.get_by_text("This DAG is not built from a workflow.")).to_be_visible()
    assert all("404" in error for error in visit.errors)
    visit.errors.clear()

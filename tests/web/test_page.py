"""The Workflows page in a real browser: the list, its filter, and the dialog that starts a run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from kit.visit import Visit, log_in

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from kit.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.slow]


def test_the_page_shows_every_workflow(visit: Visit):
    visit.open()

    expect(visit.row("orders")).to_contain_text("Web orders")
    expect(visit.row("orders")).to_contain_text("@daily")
    expect(visit.row("orders")).to_contain_text("events")
    expect(visit.row("orders")).to_contain_text("paused")
    expect(visit.page.get_by_text("2 workflows")).to_be_visible()
    expect(visit.page.get_by_text("by_hand")).to_have_count(0)


def test_the_page_shows_problems_with_their_place_and_the_way_out(visit: Visit):
    problems = visit.open().page.get_by_test_id("problems")

    expect(problems).to_contain_text("2 problems in configs")
    expect(problems).to_contain_text("include/workflows/returns/config.yaml:3:1")
    expect(problems).to_contain_text("did you mean 'schedule'?")
    expect(problems).to_contain_text("include/workflows/stock/config.yaml:11:5")


def test_a_broken_workflow_is_shown_as_it_last_worked_and_cannot_be_run(visit: Visit):
    visit.open()

    expect(visit.row("stock").get_by_text("broken", exact=True)).to_be_visible()
    expect(visit.row("stock")).to_contain_text("What every store has.")
    expect(visit.row("stock")).to_contain_text("sources.levels.row")
    expect(visit.row("stock").get_by_role("button")).to_be_disabled()


def test_a_workflow_is_triggered_with_its_params(visit: Visit):
    visit.open().row("orders").get_by_role("button", name="Trigger Web orders").click()
    dialog = visit.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Trigger Web orders")
    expect(dialog).to_contain_text("The workflow is paused")
    dialog.get_by_text("full_refresh").click()
    dialog.get_by_label("Batch size").fill("7")
    dialog.get_by_role("button", name="Start run").click()
    expect(dialog).to_have_count(0)
    expect(visit.page.get_by_text("Web orders is started")).to_be_visible()
    visit.page.get_by_role("link", name=re.compile("^manual__")).click()

    expect(visit.page).to_have_url(re.compile("/dags/orders/runs/manual__"))
    untouched = {"size": "s", "depots": ["N", "S"], "at": "13:00:00"}
    assert {"full_refresh": True, "batch": 7, **untouched} == conf_of(visit, visit.page.url)


def conf_of(visit: Visit, address: str) -> dict[str, Any]:
    """Give what the run of an address was started with."""
    run_id = re.split("/runs/|[?]", address)[1]
    run = visit.page.request.get(f"{visit.address}/api/v2/dags/orders/dagRuns/{run_id}").json()
    return run["conf"]


def test_a_param_is_asked_for_under_its_heading_in_its_own_words(visit: Visit):
    visit.open().row("orders").get_by_role("button", name="Trigger Web orders").click()
    parcels = visit.page.get_by_role("dialog").get_by_role("group", name="Parcels", exact=True)
    expect(parcels.get_by_role("option")).to_have_text(["small", "medium"])
    expect(parcels.get_by_label("depots")).to_have_value("N\nS")
    expect(parcels).to_contain_text("One a line.")

    expect(parcels.get_by_label("Batch size")).to_have_count(0)


def test_a_run_gets_what_was_chosen_listed_and_timed_in_the_form(visit: Visit):
    visit.open().row("orders").get_by_role("button", name="Trigger Web orders").click()
    dialog = visit.page.get_by_role("dialog")
    parcels = dialog.get_by_role("group", name="Parcels", exact=True)
    parcels.get_by_label("size").select_option(label="medium")
    parcels.get_by_label("depots").fill("W\n\n E \n")
    parcels.get_by_label("at", exact=False).fill("06:30")
    dialog.get_by_role("button", name="Start run").click()
    expect(dialog).to_have_count(0)
    address = visit.page.get_by_role("link", name=re.compile("^manual__")).get_attribute("href")

    chosen = {"size": "m", "depots": ["W", "E"], "at": "06:30:00"}
    assert {"full_refresh": False, "batch": 5, **chosen} == conf_of(visit, address or "")


def test_the_browser_keeps_a_param_within_its_limits(visit: Visit):
    visit.open().row("orders").get_by_role("button", name="Trigger Web orders").click()
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_label("Batch size").fill("99")
    dialog.get_by_role("button", name="Start run").click()

    assert dialog.get_by_label("Batch size").evaluate("field => !field.validity.valid")
    expect(dialog).to_be_visible()


def test_what_airflow_refuses_is_told_in_the_dialog(visit: Visit):
    visit.open().row("orders").get_by_role("button", name="Trigger Web orders").click()
    dialog = visit.page.get_by_role("dialog")
    dialog.get_by_label("Batch size").fill("99")
    dialog.locator("form").evaluate("form => { form.noValidate = true; }")
    dialog.get_by_role("button", name="Start run").click()

    expect(dialog.get_by_role("alert")).to_contain_text("99 is greater than the maximum of 10")
    [error] = visit.errors
    assert "400" in error
    visit.errors.clear()


def test_from_the_page_to_a_dag_and_back_the_filter_stays(visit: Visit):
    visit.open()
    visit.filter("web")
    expect(visit.row("stock")).to_have_count(0)
    visit.row("orders").get_by_role("link", name="Web orders").click()
    expect(visit.page).to_have_url(re.compile("/dags/orders"))
    expect(visit.page.get_by_role("heading", name="Web orders").first).to_be_visible()
    visit.page.go_back()

    expect(visit.row("orders")).to_be_visible()
    expect(visit.row("stock")).to_have_count(0)
    expect(visit.page.get_by_label("Filter workflows")).to_have_value("web")


def test_coming_back_through_the_navigation_shows_the_page_again(visit: Visit):
    """Airflow loads a plugin's page once and keeps it."""
    visit.open()
    visit.page.get_by_role("link", name="Home").last.click()
    visit.page.get_by_role("link", name="Workflows").click()

    expect(visit.row("orders")).to_be_visible()


def test_enter_in_the_filter_opens_the_first_workflow_and_escape_clears_it(visit: Visit):
    visit.open()
    visit.filter("nothing like this")
    expect(visit.page.get_by_text("Nothing matches")).to_be_visible()
    visit.page.keyboard.press("Escape")
    expect(visit.row("stock")).to_be_visible()
    visit.filter("stores")
    expect(visit.row("orders")).to_have_count(0)
    visit.page.keyboard.press("Enter")

    expect(visit.page).to_have_url(re.compile("/dags/stock"))


def test_views_narrow_the_list(visit: Visit):
    visit.open()
    visit.page.get_by_role("button", name=re.compile("^Broken")).click()

    expect(visit.row("orders")).to_have_count(0)
    expect(visit.row("stock")).to_be_visible()
    expect(visit.page.get_by_role("button", name=re.compile("^Broken"))).to_have_attribute("aria-pressed", "true")


def test_tab_reaches_everything_in_reading_order(visit: Visit, simple: Site):
    with simple.client("op") as op:
        op.post("/api/v2/dags/orders/dagRuns", json={"logical_date": None}).raise_for_status()
    page = visit.open("?view=All").page
    expect(visit.row("orders").get_by_role("group")).to_be_visible()
    page.get_by_label("Filter workflows").focus()
    reached = []
    for _ in range(4):
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")
        )

    assert ["Web orders", "Trigger Web orders", "Stock"] == [reached[0], reached[2], reached[3].title()]
    assert reached[1].startswith("queued manual run")


def test_a_viewer_cannot_trigger(browser: Browser, simple: Site):
    context = log_in(browser, simple, "viewer")
    visit = Visit(context.new_page(), simple.address).open()

    expect(visit.row("orders").get_by_role("button")).to_be_disabled()
    expect(visit.row("orders").get_by_role("button")).to_have_attribute("title", "You may not start this workflow")
    context.close()


def test_when_the_workflows_cannot_be_read_the_page_says_so_and_tries_again(visit: Visit):
    visit.page.route("**/dataflow/api/workflows", lambda route: route.fulfill(status=503, json={"detail": "starting"}))
    visit.open("?view=All")
    expect(visit.page.get_by_text("cannot be read: starting")).to_be_visible()
    visit.page.unroute("**/dataflow/api/workflows")
    visit.page.get_by_role("button", name="Try again").click()

    expect(visit.row("orders")).to_be_visible()
    expect(visit.page.get_by_text("cannot be read")).to_have_count(0)
    assert all("503" in error for error in visit.errors)
    visit.errors.clear()


def test_where_there_is_nothing_the_page_says_how_to_begin(visit: Visit):
    nothing = {"workflows": [], "problems": []}
    visit.page.route("**/dataflow/api/workflows", lambda route: route.fulfill(json=nothing))
    visit.open("?view=All")

    expect(visit.page.get_by_text("No workflows yet")).to_be_visible()


def test_on_a_narrow_screen_nothing_is_cut_off(visit: Visit):
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.open()
    button = visit.row("orders").get_by_role("button", name="Trigger Web orders")
    expect(button).to_be_visible()
    box = button.bounding_box()

    assert box is not None
    assert 390 >= box["x"] + box["width"]

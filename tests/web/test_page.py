"""The Workflows page in a real browser: logged in through Airflow's own page, used with mouse and keyboard."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from playwright.sync_api import expect, sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, BrowserContext, Page

    from kit.site import Site

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.slow]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
]
PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


def chromium() -> str:
    """Give the browser of this machine; where there is none the test says how to get one."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    message = "no Chromium on PATH: `apt-get install chromium`, or your system's way, and these tests run"
    if os.environ.get("DATAFLOW_TEST_NO_SKIPS") == "1":
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def op(browser: Browser, simple: Site) -> BrowserContext:
    """The browser of somebody who may run workflows."""
    return log_in(browser, simple, "op")


def log_in(browser: Browser, site: Site, login: str) -> BrowserContext:
    """Log in through Airflow's own page."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.goto(site.address)
    page.locator("input[name=username]").fill(login)
    page.locator("input[name=password]").fill(site.passwords[login])
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/auth/login" not in url, timeout=PATIENCE_MS)
    page.close()
    return context


class Visit:
    """One tab of one user, and what went wrong in it."""

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.errors: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda told: self.errors.append(told.text) if told.type == "error" else None)

    def row(self, dag_id: str):
        return self.page.get_by_test_id(f"workflow-{dag_id}")

    def filter(self, text: str) -> None:
        """Write into the filter, reached by its key."""
        expect(self.page.get_by_label("Filter workflows")).to_be_visible()
        self.page.keyboard.press("/")
        self.page.keyboard.type(text)

    def open(self, query: str = "") -> Visit:
        """Come to the page as users do: from Airflow's first page through the navigation."""
        if query:
            self.page.goto(f"{self.address}/plugin/workflows{query}")
        else:
            self.page.goto(self.address)
            self.page.get_by_role("link", name="Workflows").click()
        expect(self.page.get_by_role("heading", name="Workflows", exact=True)).to_be_visible()
        return self


@pytest.fixture
def visit(op: BrowserContext, simple: Site) -> Iterator[Visit]:
    """The tab of somebody who may run workflows. Nothing may go wrong in it that a test did not ask for."""
    found = Visit(op.new_page(), simple.address)
    yield found
    found.page.close()

    assert [] == found.errors


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


def test_tab_reaches_everything_in_reading_order(visit: Visit):
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

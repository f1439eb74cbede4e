"""Airflow's pages in a real browser: logged in through its own page, used with mouse and keyboard."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

    from kit.site import Site

__all__ = ["FLAGS", "Visit", "chromium", "log_in"]

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

    def row(self, dag_id: str) -> Locator:
        """Give the row of a workflow in the list."""
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

"""Two real API servers over one small house of workflows: one with Airflow's simple logins, one with FAB's.

Neither has the DAG files: what they show they read from the metadata database, where a DAG processor put it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.ops.history import open_history
from dataflow.quarantine.records import list_quarantined
from dataflow.runtime.local.resume import Earlier
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.quarantine.replay import replay
from dataflow.service.keys import PASSWORDS, write_private
from dataflow.service.processes import Programs, python_module
from kit.airflow_home import AirflowHome
from kit.project import MOCK_CONFIG, Project
from kit.runs import days
from kit.site import Site, serve, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx
    from playwright.sync_api import Browser, BrowserContext

    from kit.visit import Visit

ROLES = {"admin": "admin", "op": "op", "runner": "user", "viewer": "viewer"}
"""Logins of the simple auth manager, and the role of each."""

PERMISSIONS = {
    "everyone": [("can_read", "DAGs"), ("can_edit", "DAGs"), ("can_create", "DAG Runs"), ("can_read", "ImportError")],
    "reads_orders": [("can_read", "DAG:orders")],
    "runs_orders": [("can_read", "DAG:orders"), ("can_edit", "DAG:orders"), ("can_create", "DAG Runs")],
    "reads_stock": [("can_read", "DAG:stock")],
    "nobody": [("can_read", "My Profile")],
}
"""Logins of FAB, each with a role of its own that may do just this."""

PASSWORD = "only-for-this-test"
STARTED_BY_HAND = '''"""A hand-written Airflow DAG, which is no workflow of ours."""
from airflow.sdk import DAG

dag = DAG("by_hand", schedule=None, default_args={"owner": "somebody"})
'''
STOCK = """\
description: What every store has.
owner: logistics
tags: [stores]
schedule:
  cron: "0 6 * * *"
  timezone: Europe/Berlin
start_date: 2025-01-01
sources:
  levels:
    type: mock
    {rows}: 3
    columns: {{item_id: BIGINT, left_over: INTEGER}}
"""
RETURNS = """\
description: Returned orders.
owner: sales
schedul: manual
sources:
  returns: {type: mock, rows: 1, columns: {item_id: BIGINT}}
"""
ORDERS: dict[str, Any] = {
    **MOCK_CONFIG,
    "title": "Web orders",
    "params": {
        "full_refresh": {"type": "boolean", "default": False, "description": "Reload everything."},
        "batch": {"type": "integer", "default": 5, "minimum": 1, "maximum": 10, "title": "Batch size"},
        "size": {
            "type": "string",
            "enum": ["s", "m"],
            "values_display": {"s": "small", "m": "medium"},
            "default": "s",
            "section": "Parcels",
        },
        "depots": {"type": "array", "items": {"type": "string"}, "default": ["N", "S"], "section": "Parcels"},
        "at": {"type": "string", "format": "time", "default": "13:00:00", "section": "Parcels"},
    },
    "validate": {
        "events": [
            {"range": {"column": "event_id", "max": 17363808000000051}, "on_fail": "quarantine"},
            {"anomaly": {"metric": "row_count"}, "on_fail": "warn"},
        ]
    },
}
RUN = "odd__2025-01-09T00:00:00+00:00"
"""A run of ``orders``: it has far more rows than the eight before it, some to quarantine, and a new column."""
AGAIN = "again__2025-01-09T00:00:00+00:00"
"""A later run of the same window; one of the rows that it quarantined was corrected and replayed since."""


def events(**given: Any) -> dict[str, Any]:
    """Give the source of ``orders``."""
    kinds = {"event_id": "BIGINT", "kind": {"type": "VARCHAR", "sensitive": True}, "happened_at": "TIMESTAMPTZ"}
    return {"events": {"type": "mock", "rows": 5, "columns": {**kinds, **given.pop("columns", {})}, **given}}


ORDERS["sources"] = events()


def let_orders_run(project: Project) -> None:
    """Let ``orders`` run nine days, the last of them odd and twice; Airflow takes no part."""
    for number, run_id in enumerate([*(f"day-{number}" for number in range(8)), RUN, AGAIN]):
        odd = events(rows=60, columns={"channel": "VARCHAR"}) if number >= 8 else events()
        project.write_workflow("orders", ORDERS | {"sources": odd})
        day = min(number, 8)
        result = run_workflow(
            project.workflow("orders"),
            settings=project.settings(),
            window=days(day, day + 1),
            earlier=Earlier(run_id=run_id),
        )
        assert result.status == "success", result.error


def correct_a_row(project: Project) -> None:
    """Put one of the rows right that `AGAIN` quarantined; the eight others are refused again."""
    [record] = list_quarantined(open_history(project.settings().ops), workflow="orders", run_ids=[AGAIN])
    corrected = project.write_file("corrected.csv", "_dataflow_row,event_id\n1,1\n")
    [done] = replay(project.workflow("orders"), [record], settings=project.settings(), corrected=corrected)
    assert (1, 8) == (done.passed, done.failed)


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AirflowHome]:
    """A metadata database that knows ``orders``, healthy, ``stock``, which broke, and ``returns``, never good."""
    folder = tmp_path_factory.mktemp("web")
    project = Project(folder / "project")
    let_orders_run(project)
    correct_a_row(project)
    project.write_workflow("orders", ORDERS)
    project.write_workflow("stock", STOCK.format(rows="rows"))
    project.write_workflow("returns", RETURNS)
    project.write_file("dags/by_hand.py", STARTED_BY_HAND)
    home = AirflowHome(
        project,
        folder / "home",
        AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS=",".join(f"{login}:{role}" for login, role in ROLES.items()),
        AIRFLOW__DAG_PROCESSOR__STALE_DAG_THRESHOLD="1",
        AIRFLOW__SCHEDULER__PARSING_CLEANUP_INTERVAL="2",
        DATAFLOW_OPS=project.settings().ops,
    )
    passwords = {**dict.fromkeys(ROLES, PASSWORD), "admin": home.keys.password}
    write_private(home.home / PASSWORDS, json.dumps(passwords))
    home.migrate()
    with home:
        yield home


@pytest.fixture(scope="session")
def simple(house: AirflowHome) -> Iterator[Site]:
    """An API server with Airflow's own simple logins; the house is parsed when it is given."""
    with serve(house, house.home / "simple") as address:
        site = Site(address, json.loads((house.home / PASSWORDS).read_text()))
        with site.client("admin") as admin:
            parse(house, admin)
        yield site


def parse(house: AirflowHome, admin: httpx.Client) -> None:
    """Let a DAG processor see the house, then see ``stock`` break, and end it."""

    def dag(dag_id: str) -> dict[str, Any]:
        answer = admin.get(f"/api/v2/dags/{dag_id}")
        return answer.json() if answer.is_success else {}

    def told(name: str) -> bool:
        return f"include/workflows/{name}/config.yaml" in admin.get("/api/v2/importErrors").text

    with Programs(house.environment, house.project.root, house.home / "components") as programs:
        programs.start("dag-processor", python_module("airflow", "dag-processor"))
        until(lambda: dag("orders") and dag("stock") and dag("by_hand"), "the house is parsed", programs=programs)
        house.project.write_workflow("stock", STOCK.format(rows="row"))
        until(lambda: dag("stock").get("is_stale") and told("stock"), "stock is stale, and told", programs=programs)


@pytest.fixture(scope="session")
def fab(house: AirflowHome, simple: Site) -> Iterator[Site]:
    """An API server with FAB's users and roles, over the same database."""
    manager = {"AIRFLOW__CORE__AUTH_MANAGER": "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"}
    accounts = Path(__file__).with_name("fab_accounts.py")
    wanted = json.dumps({"password": PASSWORD, "permissions": PERMISSIONS})
    with Programs({**house.environment, **manager}, house.project.root, house.home / "components") as programs:
        programs.run("fab-accounts", [sys.executable, str(accounts), wanted])
    with serve(house, house.home / "fab", **manager) as address:
        yield Site(address, dict.fromkeys(PERMISSIONS, PASSWORD))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser, which only its tests load."""
    from playwright.sync_api import sync_playwright

    from kit.visit import FLAGS, chromium

    path = chromium()
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def op(browser: Browser, simple: Site) -> BrowserContext:
    """The browser of somebody who may run workflows."""
    from kit.visit import log_in

    return log_in(browser, simple, "op")


@pytest.fixture
def visit(op: BrowserContext, simple: Site) -> Iterator[Visit]:
    """The tab of somebody who may run workflows. Nothing may go wrong in it that a test did not ask for."""
    from kit.visit import Visit

    found = Visit(op.new_page(), simple.address)
    yield found
    found.page.close()

    assert [] == found.errors

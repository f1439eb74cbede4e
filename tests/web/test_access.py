"""Who may see and run what, over HTTP with real logins. Each refusal stands beside a twin that is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from kit.site import Site

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

API = "/dataflow/api"
ONE_RUN = f"{API}/workflows/orders/runs/odd__2025-01-09T00:00:00+00:00"
READS = [f"{API}/workflows", f"{API}/workflows/orders", ONE_RUN, f"{API}/problems"]
RUN = f"{API}/workflows/orders/run"


def cookie_client(site: Site, login: str, **headers: str) -> httpx.Client:
    """Give a client that is logged in as a browser is."""
    client = site.client(**headers)
    client.cookies.set("_token", site.token(login))
    return client


@pytest.mark.parametrize("path", READS)
def test_reading_needs_a_login(simple: Site, path: str):
    with simple.client() as anonymous, simple.client("viewer") as viewer:
        statuses = (anonymous.get(path).status_code, viewer.get(path).status_code)

    assert (401, 200) == statuses


@pytest.mark.parametrize("path", READS)
def test_a_token_that_airflow_did_not_give_is_refused(simple: Site, path: str):
    good = simple.token("viewer")
    with simple.client() as client:
        forged = client.get(path, headers={"Authorization": f"Bearer {good[:-6]}abcdef"}).status_code
        genuine = client.get(path, headers={"Authorization": f"Bearer {good}"}).status_code

    assert (403, 200) == (forged, genuine)


def test_a_bad_token_is_refused_also_beside_a_good_cookie(simple: Site):
    with cookie_client(simple, "viewer") as browser:
        statuses = (
            browser.get(READS[0], headers={"Authorization": "Bearer forged"}).status_code,
            browser.get(READS[0]).status_code,
        )

    assert (403, 200) == statuses


def test_running_needs_a_login_whatever_else_is_wrong(simple: Site):
    with simple.client() as anonymous:
        statuses = {
            anonymous.post(RUN, json={}).status_code,
            anonymous.post(RUN).status_code,
            anonymous.post(RUN, json={}, headers={"Sec-Fetch-Site": "cross-site"}).status_code,
        }

    assert {401} == statuses


def test_a_viewer_may_list_but_not_run_and_a_user_or_op_may(simple: Site):
    found = {}
    for login in ("viewer", "runner", "op"):
        with simple.client(login) as client:
            listed = client.get(f"{API}/workflows").status_code
            found[login] = (listed, client.post(RUN, json={}).status_code)

    assert {"viewer": (200, 403), "runner": (200, 200), "op": (200, 200)} == found


def test_the_list_tells_whether_the_caller_may_run(simple: Site):
    told = {}
    for login in ("viewer", "op"):
        with simple.client(login) as client:
            workflows = client.get(f"{API}/workflows").json()["workflows"]
            told[login] = {workflow["dag_id"]: workflow["may_trigger"] for workflow in workflows}

    assert {"viewer": {"orders": False, "stock": False}, "op": {"orders": True, "stock": False}} == told


def test_a_write_without_a_json_content_type_is_refused(simple: Site):
    with simple.client("op") as op:
        form = op.post(RUN, data={"params": "{}"})
        text = op.post(RUN, content="{}", headers={"Content-Type": "text/plain"})
        nothing = op.post(RUN)
        json = op.post(RUN, content="{}", headers={"Content-Type": "application/json; charset=utf-8"})

    assert (415, 415, 415, 200) == tuple(answer.status_code for answer in (form, text, nothing, json))


@pytest.mark.parametrize("site", ["cross-site", "same-site", "nonsense"])
def test_a_write_with_a_cookie_from_another_site_is_refused(simple: Site, site: str):
    with cookie_client(simple, "op") as browser:
        foreign = browser.post(RUN, json={}, headers={"Sec-Fetch-Site": site}).status_code
        own = browser.post(RUN, json={}, headers={"Sec-Fetch-Site": "same-origin"}).status_code

    assert (403, 200) == (foreign, own)


def test_without_sec_fetch_site_the_origin_decides(simple: Site):
    """Browsers leave Sec-Fetch-Site out on plain http to another machine."""
    with cookie_client(simple, "op") as browser:
        statuses = (
            browser.post(RUN, json={}).status_code,
            browser.post(RUN, json={}, headers={"Origin": "http://evil.example"}).status_code,
            browser.post(RUN, json={}, headers={"Origin": "null"}).status_code,
            browser.post(RUN, json={}, headers={"Origin": simple.address}).status_code,
        )

    assert (403, 403, 403, 200) == statuses


def test_a_program_with_a_token_needs_no_browser_headers(simple: Site):
    with simple.client("op") as op:
        foreign = op.post(RUN, json={}, headers={"Sec-Fetch-Site": "cross-site", "Origin": "http://evil.example"})

    assert 200 == foreign.status_code


@pytest.mark.parametrize("path", ["docs", "redoc", "openapi.json", "api/docs", "api/openapi.json", "api/", "api"])
def test_no_generated_documentation_is_served(simple: Site, path: str):
    with simple.client() as anonymous, simple.client("admin") as admin:
        answers = [client.get(f"/dataflow/{path}") for client in (anonymous, admin)]

    assert [404, 404] == [answer.status_code for answer in answers]


def test_someone_who_may_read_one_dag_sees_that_workflow_alone(fab: Site):
    seen = {}
    for login in ("reads_orders", "reads_stock", "everyone", "nobody"):
        with fab.client(login) as client:
            answer = client.get(f"{API}/workflows")
            seen[login] = (answer.status_code, [workflow["dag_id"] for workflow in answer.json()["workflows"]])

    expected = {"reads_orders": ["orders"], "reads_stock": ["stock"], "everyone": ["orders", "stock"], "nobody": []}
    assert {login: (200, dag_ids) for login, dag_ids in expected.items()} == seen


def test_someone_who_may_read_one_dag_is_refused_every_other(fab: Site):
    paths = [f"{API}/workflows/{name}" for name in ("orders", "stock", "returns", "nowhere")]
    with fab.client("reads_orders") as one, fab.client("everyone") as everyone:
        statuses = [(one.get(path).status_code, everyone.get(path).status_code) for path in paths]

    assert [(200, 200), (403, 200), (403, 404), (403, 404)] == statuses


def test_someone_who_may_not_read_a_dag_may_not_read_its_runs_whether_there_are_any_or_not(fab: Site):
    paths = [ONE_RUN, f"{API}/workflows/orders/runs/never"]
    with fab.client("reads_orders") as reader, fab.client("reads_stock") as other:
        statuses = [(reader.get(path).status_code, other.get(path).status_code) for path in paths]
        borrowed = other.get(ONE_RUN.replace("orders", "stock")).status_code

    assert [(200, 403), (404, 403)] == statuses
    assert 404 == borrowed


def test_someone_who_may_read_one_dag_sees_its_problems_alone(fab: Site):
    seen = {}
    for login in ("reads_orders", "reads_stock", "everyone", "nobody"):
        with fab.client(login) as client:
            alone = [problem["path"] for problem in client.get(f"{API}/problems").json()["problems"]]
            in_list = [problem["path"] for problem in client.get(f"{API}/workflows").json()["problems"]]
            assert alone == in_list
            seen[login] = [path.split("/")[2] for path in alone]

    assert {
        "reads_orders": [],
        "reads_stock": ["stock"],
        "everyone": ["returns", "stock"],
        "nobody": [],
    } == seen


def test_someone_who_may_read_one_dag_may_not_run_it_and_its_runner_may(fab: Site):
    found = {}
    for login in ("reads_orders", "runs_orders", "everyone", "nobody"):
        with fab.client(login) as client:
            found[login] = client.post(RUN, json={}).status_code

    assert {"reads_orders": 403, "runs_orders": 200, "everyone": 200, "nobody": 403} == found


def test_a_run_through_our_endpoint_is_in_the_audit_log_with_the_callers_name(simple: Site, fab: Site):
    with simple.client("runner") as runner, simple.client("admin") as admin:
        run_id = runner.post(RUN, json={"note": "by the book"}).json()["dag_run_id"]
        query = {"event": "trigger_dag_run", "dag_id": "orders", "order_by": "-when", "limit": 1}
        [by_runner] = admin.get("/api/v2/eventLogs", params=query).json()["event_logs"]
        with fab.client("runs_orders") as other:
            assert 200 == other.post(RUN, json={}).status_code
        [by_other] = admin.get("/api/v2/eventLogs", params=query).json()["event_logs"]
        note = admin.get(f"/api/v2/dags/orders/dagRuns/{run_id}").json()["note"]

    assert ("runner", "runs_orders", "by the book") == (by_runner["owner"], by_other["owner"], note)

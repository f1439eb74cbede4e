"""What the API answers, over HTTP from an API server that has no DAG files."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from kit.program import program_in
from kit.site import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from kit.airflow_home import AirflowHome
    from kit.site import Site

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

API = "/dataflow/api"
RUN = "odd__2025-01-09T00:00:00+00:00"
"""The odd run of ``orders``, see `let_orders_run`."""
AGAIN = "again__2025-01-09T00:00:00+00:00"
"""Another run of the same window, after it."""
STOCK_PROBLEM = {
    "path": "include/workflows/stock/config.yaml",
    "line": 11,
    "column": 5,
    "key": "sources.levels.row",
    "severity": "error",
}


@pytest.fixture
def op(simple: Site) -> Iterator[httpx.Client]:
    """A client of somebody who may run workflows."""
    with simple.client("op") as client:
        yield client


def place(problem: dict[str, Any]) -> dict[str, Any]:
    """Give a problem without its words."""
    return {key: value for key, value in problem.items() if key not in {"message", "hint"}}


def test_workflows_are_listed_where_there_are_no_dag_files(op: httpx.Client):
    """A hand-written DAG in the same Airflow is no workflow and is left out."""
    listed = op.get(f"{API}/workflows").json()["workflows"]

    assert [("orders", "healthy"), ("stock", "broken")] == [(one["dag_id"], one["state"]) for one in listed]
    assert 200 == op.get("/api/v2/dags/by_hand").status_code


def test_a_workflow_is_told_as_its_config_says(op: httpx.Client):
    told = op.get(f"{API}/workflows/orders").json()

    assert {
        "dag_id": "orders",
        "title": "Web orders",
        "description": "Made-up events, one batch a day.",
        "owner": "tests",
        "schedule": "@daily",
        "state": "healthy",
        "is_paused": True,
        "problems": [],
        "models": [],
        "published": ["events"],
        "sources": [{"name": "events", "type": "mock", "description": "", "config": {"rows": 5}}],
        "params": {
            "full_refresh": {"type": "boolean", "default": False, "description": "Reload everything."},
            "batch": {
                "type": "integer",
                "default": 5,
                "description": "",
                "title": "Batch size",
                "minimum": 1,
                "maximum": 10,
            },
            "size": {
                "type": "string",
                "default": "s",
                "description": "",
                "enum": ["s", "m"],
                "values_display": {"s": "small", "m": "medium"},
                "section": "Parcels",
            },
            "depots": {
                "type": "array",
                "default": ["N", "S"],
                "description": "",
                "items": {"type": "string"},
                "section": "Parcels",
            },
            "at": {
                "type": "string",
                "default": "13:00:00",
                "description": "",
                "format": "time",
                "section": "Parcels",
            },
        },
    }.items() <= told.items()


def test_tables_tell_of_their_columns(op: httpx.Client):
    [table] = op.get(f"{API}/workflows/orders").json()["tables"]

    assert {"event_id": "BIGINT", "kind": "VARCHAR", "happened_at": "TIMESTAMPTZ"} == table["columns"]
    assert {"event_id": False, "kind": True, "happened_at": False} == {
        column["name"]: column["sensitive"] for column in table["declared"]
    }


def test_a_workflow_tells_what_waits_in_quarantine_and_what_a_replay_would_skip(op: httpx.Client):
    quarantine = op.get(f"{API}/workflows/orders").json()["quarantine"]
    newer, older = quarantine["records"]

    assert (8, 0) == (quarantine["rows"], quarantine["more"])
    assert ("events", ["range_event_id"], 8, "waits", "", AGAIN) == tuple(
        newer[key] for key in ("table", "rules", "rows", "state", "told", "run_id")
    )
    assert (9, "read again", RUN) == tuple(older[key] for key in ("rows", "state", "run_id"))
    assert "event_id is above 17363808000000051 in 9 of 60 rows" == older["reason"]
    assert f"run {AGAIN} has read these rows again since" in older["told"]
    assert f"what it set aside itself waits as {newer['id']}: replay that" in older["told"]


def test_the_page_and_the_command_line_say_the_same_of_rows_in_quarantine(op: httpx.Client, house: AirflowHome):
    records = op.get(f"{API}/workflows/orders").json()["quarantine"]["records"]
    listed = json.loads(program_in(house.project.root)("quarantine", "list", "orders", "--json").out)

    assert [(each["id"], each["state"], each["told"]) for each in listed] == [
        (each["id"], each["state"], each["told"]) for each in records
    ]


def test_a_workflow_tells_how_many_corrections_are_kept(op: httpx.Client):
    assert (1, 0) == tuple(op.get(f"{API}/workflows/{name}").json()["corrections"] for name in ("orders", "stock"))


def test_a_workflow_tells_what_its_anomaly_checks_measured(op: httpx.Client):
    [measured] = op.get(f"{API}/workflows/orders").json()["measured"]
    *before, last = measured["figures"]

    assert ("events", "anomaly_row_count", "row_count(*)") == tuple(
        measured[key] for key in ("table", "name", "measures")
    )
    assert [5.0] * 8 == [each["figure"] for each in before]
    assert (None, None) == (before[0]["low"], before[0]["high"])
    assert last["figure"] == 51 > last["high"] > 5 > last["low"]


def test_a_workflow_that_never_ran_has_nothing_in_quarantine(op: httpx.Client):
    told = op.get(f"{API}/workflows/stock").json()

    assert ({"rows": 0, "records": [], "more": 0}, [], "") == (
        told["quarantine"],
        told["measured"],
        told["history_problem"],
    )


def test_a_run_tells_its_stages_and_checks_with_the_rows_that_failed(op: httpx.Client):
    run = op.get(f"{API}/workflows/orders/runs/{RUN}").json()
    checks = {check["name"]: check for check in run["checks"]}
    refused = checks["range_event_id"]

    assert ("COMPLETED", "2025-01-09T00:00:00Z") == (run["status"], run["window_start"])
    assert ("INGESTED", 60) in [(stage["stage"], stage["rows_out"]) for stage in run["stages"]]
    assert ("quarantined", 9, 5) == (refused["status"], refused["failures"], len(refused["sample"]))
    assert {"***"} == {row["kind"] for row in refused["sample"]}
    assert "warned" == checks["anomaly_row_count"]["status"]


def test_a_run_tells_what_is_odd_and_changed_columns_apart(op: httpx.Client):
    run = op.get(f"{API}/workflows/orders/runs/{RUN}/").json()
    [anomaly], [change] = run["anomalies"], run["schema_changes"]

    assert ("warning", "ANOMALY") == (anomaly["severity"], anomaly["category"])
    assert ("events", "channel", None, "VARCHAR") == tuple(
        change[key] for key in ("table", "column", "before", "after")
    )
    assert "appeared" == change["kind"]


def test_a_run_tells_which_of_the_rows_that_it_set_aside_wait(op: httpx.Client):
    odd, again = (op.get(f"{API}/workflows/orders/runs/{run}").json()["quarantine"] for run in (RUN, AGAIN))

    assert (0, ["read again"]) == (odd["rows"], [each["state"] for each in odd["records"]])
    assert (8, ["waits", "replayed"]) == (again["rows"], [each["state"] for each in again["records"]])


@pytest.mark.parametrize("path", ["orders/runs/never", "stock/runs/never", "nowhere/runs/never", f"stock/runs/{RUN}"])
def test_a_run_that_run_history_does_not_know_is_not_found(op: httpx.Client, path: str):
    assert 404 == op.get(f"{API}/workflows/{path}").status_code


def test_where_run_history_does_not_answer_the_config_is_shown_all_the_same(house: AirflowHome, simple: Site, tmp_path):
    gone = "postgresql+psycopg2://nobody:only-for-this-test@127.0.0.1:1/nothing"
    with (
        serve(house, tmp_path / "alone", DATAFLOW_OPS=gone) as address,
        replace(simple, address=address).client("op") as op,
    ):
        told = op.get(f"{API}/workflows/orders").json()
        run = op.get(f"{API}/workflows/orders/runs/{RUN}")

    assert ("Web orders", None) == (told["title"], told["quarantine"])
    assert "does not answer" in told["history_problem"]
    assert 503 == run.status_code
    assert "only-for-this-test" not in told["history_problem"] + run.text


def test_a_broken_workflow_is_shown_as_it_last_worked_with_what_is_wrong(op: httpx.Client):
    told = op.get(f"{API}/workflows/stock").json()
    [problem] = told["problems"]

    assert "broken" == told["state"]
    assert ("What every store has.", "0 6 * * * Europe/Berlin") == (told["description"], told["schedule"])
    assert ["levels"] == [table["name"] for table in told["tables"]]
    assert STOCK_PROBLEM == place(problem)
    assert "rows" in problem["hint"]


def test_problems_tell_also_of_configs_that_were_never_good(op: httpx.Client):
    returns, stock = op.get(f"{API}/problems").json()["problems"]

    assert ("include/workflows/returns/config.yaml", 3, 1, "schedul") == tuple(place(returns).values())[:4]
    assert "did you mean 'schedule'?" == returns["hint"]
    assert STOCK_PROBLEM == place(stock)


@pytest.mark.parametrize("path", ["/workflows", "/workflows/orders", "/problems"])
def test_a_trailing_slash_makes_no_difference(op: httpx.Client, path: str):
    plain, slashed = (op.get(f"{API}{path}{end}", follow_redirects=False) for end in ("", "/"))

    assert (200, plain.json()) == (slashed.status_code, slashed.json())


def test_a_run_starts_with_and_without_a_trailing_slash(op: httpx.Client):
    runs = [op.post(f"{API}/workflows/orders/run{end}", json={"params": {"batch": 7}}) for end in ("", "/")]

    assert [(200, 7), (200, 7)] == [(run.status_code, run.json()["conf"]["batch"]) for run in runs]


def test_a_started_run_is_listed_among_the_last_ones(op: httpx.Client):
    run_id = op.post(f"{API}/workflows/orders/run", json={}).json()["dag_run_id"]
    runs = op.get(f"{API}/workflows/orders").json()["runs"]

    assert (run_id, "queued", "manual") == tuple(runs[-1][key] for key in ("run_id", "state", "run_type"))


@pytest.mark.parametrize("name", ["nowhere", "by_hand", "returns", "Not-A-Name", "a%2Fb", "a%3Fb"])
def test_what_is_no_workflow_is_not_found(op: httpx.Client, name: str):
    statuses = (
        op.get(f"{API}/workflows/{name}").status_code,
        op.post(f"{API}/workflows/{name}/run", json={}).status_code,
    )

    assert (404, 404) == statuses


def test_a_broken_workflow_is_not_run(op: httpx.Client):
    answer = op.post(f"{API}/workflows/stock/run", json={})

    assert 409 == answer.status_code
    assert "the config of 'stock' is broken" in answer.json()["detail"]


@pytest.mark.parametrize("params", [{"batch": 99}, {"batch": "many"}])
def test_what_airflow_says_of_a_bad_param_is_passed_on(op: httpx.Client, params: dict[str, Any]):
    ours = op.post(f"{API}/workflows/orders/run", json={"params": params})
    airflows = op.post("/api/v2/dags/orders/dagRuns", json={"logical_date": None, "conf": params})

    assert (400, airflows.json()) == (ours.status_code, ours.json())
    assert "batch" in ours.text


@pytest.mark.parametrize("body", ['{"params": 1}', '{"param": {}}', "[]", "{", ""])
def test_a_body_that_is_not_a_run_is_refused(op: httpx.Client, body: str):
    answer = op.post(f"{API}/workflows/orders/run", content=body, headers={"Content-Type": "application/json"})

    assert 422 == answer.status_code


def test_a_logical_date_goes_to_airflow(op: httpx.Client):
    moment = "2025-03-04T05:06:07Z"
    started, again = (op.post(f"{API}/workflows/orders/run", json={"logical_date": moment}) for _ in range(2))

    assert (200, moment, 409) == (started.status_code, started.json()["logical_date"], again.status_code)


def test_the_pages_files_are_served_and_asked_for_anew_each_time(simple: Site):
    with simple.client() as anonymous:
        script = anonymous.get("/dataflow/static/workflows.js?v=1")
        again = anonymous.get("/dataflow/static/workflows.js", headers={"If-None-Match": script.headers["etag"]})
        outside = anonymous.get("/dataflow/static/..%2fapp.py")

    assert (200, "no-cache") == (script.status_code, script.headers["cache-control"])
    assert "javascript" in script.headers["content-type"]
    assert (304, 404) == (again.status_code, outside.status_code)


def test_everything_holds_beneath_a_base_path(house: AirflowHome, simple: Site, tmp_path: Path):
    """As behind a proxy that gives Airflow the path /airflow."""
    with serve(house, tmp_path / "beneath", path="/airflow") as address:
        beneath = replace(simple, address=address)
        with beneath.client("op") as client:
            listed = client.get(f"{API}/workflows")
            started = client.post(f"{API}/workflows/orders/run", json={})
            script = client.get("/dataflow/static/workflows.js")
            page = client.get("/plugin/workflows")

    assert [200, 200, 200] == [answer.status_code for answer in (listed, started, script)]
    assert ["orders", "stock"] == [workflow["dag_id"] for workflow in listed.json()["workflows"]]
    assert '<base href="/airflow/"' in page.text

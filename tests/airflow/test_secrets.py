"""Planted secrets: a reference in every field that takes one, and everything that a run leaves behind, searched."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.testing.fake_api import FakeApi
from kit.airflow_home import AirflowHome
from kit.everything import answers_of, files_of, forms_of, traces_of
from kit.project import MOCK_CONFIG, REPOSITORY, Project
from kit.receivers import Receiver, web_receiver

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.airflow, pytest.mark.slow]

ODD = 'é "q\\uote" &=+/%'
"""What looks otherwise in a URL, in JSON and in base64."""
SECRETS = {
    name: f"planted-{name.lower()}-{ODD}"
    for name in (
        "STEP_TOKEN",
        "HTTP_TOKEN",
        "CONNECTION_PASSWORD",
        "CONNECTION_EXTRA",
        "CRASH_SECRET",
        "CAUSE_SECRET",
    )
} | {
    # These go into a path or an address as they are.
    "DROP_TOKEN": "planted-drop_token-é=1",
    "WAIT_TOKEN": "planted-wait_token-x1",
    "VARIABLE_TOKEN": "planted-variable_token-x2",
    "NOTIFY_SECRET": "planted-notify_secret-x3",
    "API_TOKEN": "planted-api_token+/x5==",
    "HEADER_KEY": "planted-header_key+/x6==",
    "DATABASE_PASSWORD": "planted-database_password-x4",
}
DAGS = ("green", "unauthorised", "crashes", "refused", "missing", "asks_api")
QUIET = {**MOCK_CONFIG, "schedule": "manual", "retries": 0}
PYTHON = {"type": "python", "windowed": True, "columns": {"id": "BIGINT"}}
INGESTION = '''
import base64
import json
import logging
from urllib.parse import quote


def events(ctx):
    """Log what nobody should, in every form, on every level, through every logger."""
    connection = ctx.connection("vault")
    for secret in (ctx.secret("STEP_TOKEN"), connection.password, connection.extra("api_key")):
        for text in (secret, quote(secret), json.dumps({"is": secret}), base64.b64encode(secret.encode()).decode()):
            ctx.log.debug("it is %s", text)
            logging.getLogger("somebody.else").info(text)
            print(text)
    yield [{"id": 1}]
'''
STEPS = '''
from urllib.parse import quote


def ask(ctx):
    """Ask a server that refuses, with the secret in the address and in a header."""
    token = ctx.secret("HTTP_TOKEN")
    address = f"{ctx.settings['server']}/private"
    ctx.http.get(address, params={"token": token}, headers={"x-key": quote(token)}).raise_for_status()


def crash(ctx):
    """Crash with secrets in the error and in what caused it."""
    secret = ctx.secret("CRASH_SECRET")
    try:
        raise KeyError(ctx.secret("CAUSE_SECRET"))
    except KeyError as error:
        raise ValueError(f"cannot log in with {secret!r}: {{'password': '{secret}'}}") from error
'''


@pytest.fixture(scope="module")
def hook() -> Iterator[Receiver]:
    with web_receiver() as receiver:
        yield receiver


@pytest.fixture(scope="module")
def api() -> Iterator[FakeApi]:
    with FakeApi() as server:
        for path in ("/private", "/orders"):
            for _ in range(20):
                server.answer(path, {"error": "who are you?"}, status=401)
        yield server


def write_workflows(project: Project, *, hook: Receiver, api: FakeApi) -> None:
    notify = [{"events": ["failure", "success"], "connection": "team_hook"}]
    files = {
        "type": "file",
        "format": "csv",
        "path": "data/${DROP_TOKEN}/${var:VARIABLE_TOKEN}/*.csv",
        "columns": {"id": "BIGINT"},
    }
    waits = [
        {"http": f"http://127.0.0.1:{hook.port}/ready?token=${{WAIT_TOKEN}}&more=${{conn:vault.wait_key}}"},
        {"file": "data/${DROP_TOKEN}/${var:VARIABLE_TOKEN}/*"},
    ]
    green = {**QUIET, "notify": notify, "wait_for": waits, "sources": {"files": files, "events": PYTHON}}
    project.write_workflow("green", json.loads(json.dumps(green)), ingestion=INGESTION)
    folder = f"include/workflows/green/data/{SECRETS['DROP_TOKEN']}/{SECRETS['VARIABLE_TOKEN']}"
    project.write_file(f"{folder}/one.csv", "id\n1\n")

    bare = {key: value for key, value in QUIET.items() if key != "sources"}
    for name, step in (("unauthorised", "ask"), ("crashes", "crash")):
        steps = {"settings": {"server": api.url}, "notify": notify, "steps": [{"run": step}]}
        project.write_workflow(name, {**bare, **steps}, steps=STEPS)

    refused = {"type": "database", "url": "${SHOP_DB_URL}", "table": "customers", "columns": {"id": "BIGINT"}}
    project.write_workflow("refused", {**QUIET, "notify": notify, "sources": {"customers": refused}})

    missing = {**files, "path": "data/${DROP_TOKEN}/nothing.csv"}
    project.write_workflow("missing", {**QUIET, "notify": notify, "sources": {"files": missing}})

    orders = {
        "type": "api",
        "url": f"{api.url}/orders",
        "auth": {"type": "bearer", "token": "${API_TOKEN}"},
        "headers": {"x-key": "${HEADER_KEY}"},
        "columns": {"id": "BIGINT"},
    }
    project.write_workflow("asks_api", {**QUIET, "notify": notify, "sources": {"orders": orders}})


def environment_of(hook: Receiver) -> dict[str, str]:
    by_name = {name: SECRETS[name] for name in ("STEP_TOKEN", "HTTP_TOKEN", "CRASH_SECRET", "CAUSE_SECRET")}
    by_name |= {name: SECRETS[name] for name in ("DROP_TOKEN", "WAIT_TOKEN", "API_TOKEN", "HEADER_KEY")}
    vault = {
        "conn_type": "generic",
        "host": "vault.example.com",
        "password": SECRETS["CONNECTION_PASSWORD"],
        "extra": {"api_key": SECRETS["CONNECTION_EXTRA"], "wait_key": SECRETS["WAIT_TOKEN"]},
    }
    team = {
        "conn_type": "http",
        "host": f"http://127.0.0.1:{hook.port}/hooks",
        "password": SECRETS["NOTIFY_SECRET"],
    }
    return {
        **by_name,
        "SHOP_DB_URL": f"postgresql://nobody:{SECRETS['DATABASE_PASSWORD']}@127.0.0.1:5432/nowhere",
        "AIRFLOW_VAR_VARIABLE_TOKEN": SECRETS["VARIABLE_TOKEN"],
        "AIRFLOW_CONN_VAULT": json.dumps(vault),
        "AIRFLOW_CONN_TEAM_HOOK": json.dumps(team),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
    }


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory, hook: Receiver, api: FakeApi) -> Iterator[AirflowHome]:
    folder = tmp_path_factory.mktemp("secrets")
    project = Project(folder / "project")
    write_workflows(project, hook=hook, api=api)
    shutil.copytree(REPOSITORY / "plugins", project.root / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    with AirflowHome(project, folder / "home", **environment_of(hook)) as home:
        home.prepare()
        home.start("api-server", "scheduler", "dag-processor", "triggerer")
        yield home


def test_a_trace_of_a_secret_is_found_in_every_form() -> None:
    secret = {"TOKEN": f"planted-{ODD}"}

    for form in forms_of(secret["TOKEN"]):
        assert {("TOKEN", "here")} == traces_of(secret, iter([("here", f"a {form} b")])), form
    assert set() == traces_of(secret, iter([("here", "planted-")]))


def test_no_run_leaves_a_secret_anywhere(airflow: AirflowHome, hook: Receiver, api: FakeApi) -> None:
    states: dict[str, Any] = {}
    for dag_id in DAGS:
        airflow.wait_for_dag(dag_id)
        states[dag_id] = airflow.run(dag_id)["state"]
    airflow.until(lambda: len(hook.got) >= len(DAGS), "everybody is told")

    assert {**dict.fromkeys(DAGS, "failed"), "green": "success"} == states, airflow.failures(
        "green", airflow.runs("green")[0]["dag_run_id"]
    )
    logs = "".join(text for place, text in answers_of(airflow, ("green",)) if "/logs/" in place)
    assert "it is ***" in logs
    assert "it is ***" in (airflow.home / "components" / "scheduler.log").read_text(encoding="utf-8"), "a copy of it"
    assert SECRETS["HTTP_TOKEN"] in {asked.query.get("token") for asked in api.asked}

    assert f"Bearer {SECRETS['API_TOKEN']}" in {asked.headers.get("authorization") for asked in api.asked}

    told = [("a message", json.dumps(message, ensure_ascii=False)) for message in hook.got]
    written = files_of(airflow.home, airflow.project.root / ".dataflow")
    found = traces_of(SECRETS, iter([*answers_of(airflow, DAGS), *written, *told]))
    assert set() == found

"""Secrets stay out of logs, errors, run history and everything else that a run writes."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from dataflow import masking
from dataflow.masking import keep_secret, mask_error, masked, masked_logs
from dataflow.runtime.local.run import StepEvent, run_workflow
from kit.project import Project

SECRETS = {
    "AIRFLOW_CONN_DROP": "sftp://me:conn%2Fpass%22word@files",
    "AIRFLOW_VAR_DROP_TOKEN": "variable-token-4711",
    "DROP_PASSWORD": "plain pass/word+0815",
}
VALUES = ('conn/pass"word', "variable-token-4711", "plain pass/word+0815")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_forms", set())


def forms_of(secret: str) -> list[str]:
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return [secret, quote(secret, safe=""), quote(secret), json.dumps(secret)[1:-1], encoded]


@pytest.mark.parametrize("secret", VALUES)
def test_a_secret_is_hidden_however_it_is_written(secret: str) -> None:
    keep_secret(secret)

    for form in forms_of(secret):
        assert "a *** b" == masked(f"a {form} b")


def test_a_short_value_hides_no_text() -> None:
    keep_secret("a")

    assert "a b a" == masked("a b a")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://me:hunter22@api.example.com/x", "see https://me:***@api.example.com/x"),
        ("https://api.example.com/x?page=2&api_key=abc&n=1", "https://api.example.com/x?page=2&api_key=***&n=1"),
        ("https://api.example.com:8080/x@y", "https://api.example.com:8080/x@y"),
    ],
)
def test_a_password_in_a_url_is_hidden_though_nobody_named_it(text: str, shown: str) -> None:
    assert shown == masked(text)


def test_an_error_loses_its_secrets_with_all_that_led_to_it() -> None:
    keep_secret("hunter22")
    error = ValueError("cannot read /srv/hunter22/a.csv")
    error.__cause__ = FileNotFoundError(2, "No such file", "/srv/hunter22/a.csv")

    mask_error(error)

    assert "cannot read /srv/***/a.csv" == str(error)
    assert "[Errno 2] No such file: '/srv/***/a.csv'" == str(error.__cause__)


def test_a_log_record_loses_its_secrets_wherever_it_goes(caplog: pytest.LogCaptureFixture) -> None:
    secret = "hunter22"
    keep_secret(secret)

    with masked_logs():
        logging.getLogger("some.author").warning("password is %s", secret)
        error = ValueError(secret)
        logging.getLogger("some.author").error("failed", exc_info=error)

    assert secret not in caplog.text
    assert "password is ***" in caplog.text
    assert "ValueError: ***" in caplog.text


CONFIG = """\
description: Files of a drop zone.
owner: tests
start_date: 2025-01-01
sources:
  files:
    type: file
    path: "${conn:drop.password}/${var:drop_token}/${DROP_PASSWORD}.csv"
    format: csv
    columns: {id: BIGINT}
"""

LEAKY = """\
import logging
import os


def leak(ctx):
    secret = os.environ["DROP_PASSWORD"]
    ctx.log.info("the password is %s", secret)
    logging.getLogger("elsewhere").warning("it is %r", {"password": secret})
    raise RuntimeError(f"cannot log in with {secret}")
"""


def written_by(project: Project, log: str, events: list[StepEvent]) -> Iterator[tuple[str, bytes]]:
    yield "log", log.encode()
    yield "progress", repr(events).encode()
    for file in (project.root / ".dataflow").rglob("*"):
        if file.is_file():
            yield str(file), file.read_bytes()


@pytest.mark.parametrize("leaks", [False, True])
def test_a_failed_run_leaves_no_secret_anywhere(
    project: Project, leaks: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from dataflow.ops.history import open_history
    from dataflow.warehouse.create import create_warehouse

    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    config = CONFIG + "  leak: {type: python, windowed: false}\n" if leaks else CONFIG
    folder = project.write_workflow("drop", config, ingestion=LEAKY)
    if leaks:  # its path exists, so that author code runs once the secrets are known
        file = Path(folder, VALUES[0], VALUES[1], f"{VALUES[2]}.csv")
        file.parent.mkdir(parents=True)
        file.write_text("id\n1\n")
    settings = project.settings()
    open_history(settings.ops).create()
    create_warehouse(settings, ["drop"])
    caplog.set_level(logging.DEBUG)
    events: list[StepEvent] = []

    result = run_workflow(project.workflow("drop"), settings=settings, progress=events.append)

    assert ("failed", "ingest.leak" if leaks else "ingest.files") == (result.status, result.failed_step)
    assert "***" in (result.error or "")
    places = [("result", repr(result).encode()), *written_by(project, caplog.text, events)]
    found = [(place, form) for place, content in places for value in VALUES for form in forms_of(value)
             if form.encode() in content]  # fmt: skip
    assert [] == found


def test_a_secret_with_quotes_and_backslashes_is_hidden_in_pythons_own_words() -> None:
    secret = 'é "q\\uote" &=+/%'
    keep_secret(secret)

    for written in (repr(secret), repr({"password": secret}), repr(repr(secret)), f"{ValueError(secret)!r}"):
        assert "q" not in masked(written).replace("***", ""), written

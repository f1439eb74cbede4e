"""The real programs, from the first start to the last process; a hand-written DAG is enough for that."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.airflow]

HELLO = '''
"""A hand-written airflow dag."""
import datetime

from airflow.sdk import dag, task


@dag(schedule=None, start_date=datetime.datetime(2025, 1, 1), catchup=False)
def {name}():
    @task
    def greet():
        {body}

    greet()


{name}()
'''
COMPONENTS = {"api-server", "scheduler", "dag-processor", "triggerer"}


class Service:
    """``python -m dataflow.service`` in a project of its own, its output read as it comes."""

    def __init__(self, project, *arguments, port=None):
        self.home = project.root / "home"
        self.port = port or free_port()
        self.output = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dataflow.service", *arguments],
            cwd=project.root,
            env={**os.environ, "AIRFLOW_HOME": str(self.home), "DATAFLOW_AIRFLOW_PORT": str(self.port)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def read_until(self, text):
        """Read lines until one holds the text; the run's own end is the bound."""
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"{text!r} never came:\n{self.output}")

    def wait(self):
        """Read to the end and give the exit code."""
        self.output += self.process.stdout.read()
        return self.process.wait(60)

    def family(self):
        """Everything that it started, by what each is."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def component(self, name):
        """The process of one of Airflow's programs, below its guard."""
        for child in psutil.Process(self.process.pid).children():
            if child.cmdline()[-1] == name:
                return child.children()[0]
        raise LookupError(name)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1] % 20_000 + 20_000


def all_gone(processes, *, seconds=0.0):
    return not psutil.wait_procs(processes, timeout=seconds)[1]


@pytest.fixture
def hello(project):
    project.write_file("dags/hello.py", HELLO.format(name="hello", body="return 'hi'"))
    return project


@pytest.fixture
def start(request):
    services = []

    def start_service(*arguments, **options):
        services.append(Service(*arguments, **options))
        return services[-1]

    yield start_service
    for service in services:
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait()
        service.process.stdout.close()


def test_a_port_in_use_is_told_before_anything_starts(hello, start):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        service = start(hello, port=port)
        code = service.wait()

    assert 1 == code
    assert f"port {port}, for Airflow's API and pages, is in use by process {os.getpid()}" in service.output
    assert not service.home.exists()


def test_first_runs_are_watched_to_their_end_and_a_failure_is_told_with_its_log(hello, start):
    hello.write_file("dags/broken.py", HELLO.format(name="broken", body="raise ValueError('out of flour')"))

    service = start(hello, "--once", "--first-run", "hello", "--first-run", "broken")
    service.read_until("One run of each example: hello, broken")
    family = service.family()
    code = service.wait()

    assert 2 == code, service.output
    assert "hello: success, 1 of 1 tasks" in service.output
    assert "broken: failed" in service.output
    assert "ValueError: out of flour" in service.output
    log = re.search(r"greet, try 1; its log: (.*\.log)", service.output)
    assert Path(log[1]).is_file()
    assert len(family) >= 2 * len(COMPONENTS)
    assert all_gone(family)


def test_it_serves_shows_a_new_dag_within_30_seconds_and_ends_with_ctrl_c(hello, start):
    service = start(hello, "--first-run", "hello")
    service.read_until("Ctrl-C ends it.")
    assert "All 1 succeeded." in service.output
    family = service.family()
    password = re.search(r"password +(\S+)", service.output)[1]
    with httpx.Client(base_url=f"http://127.0.0.1:{service.port}", trust_env=False, timeout=60) as client:
        token = client.post("/auth/token", json={"username": "admin", "password": password}).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        hello.write_file("dags/late.py", HELLO.format(name="late", body="pass"))
        began = time.monotonic()
        while client.get("/api/v2/dags/late").status_code != 200 and time.monotonic() - began < 60:
            time.sleep(0.5)
        took = time.monotonic() - began

    service.process.send_signal(signal.SIGINT)
    code = service.wait()

    assert took < 30
    assert 0 == code, service.output
    assert all_gone(family)


def test_sigterm_leaves_no_process(hello, start):
    service = start(hello, "--first-run", "hello")
    service.read_until("Airflow: ready")
    family = service.family()

    service.process.terminate()
    code = service.wait()

    assert 128 + signal.SIGTERM == code, service.output
    assert len(family) >= 2 * len(COMPONENTS)
    assert all_gone(family)


def test_a_component_that_dies_is_told_and_ends_the_run(hello, start):
    service = start(hello, "--first-run", "hello")
    service.read_until("Airflow: ready")
    family = service.family()

    service.component("scheduler").kill()
    code = service.wait()

    assert 2 == code, service.output
    assert "scheduler ended with exit code 137; its log: " in service.output
    assert all_gone(family)


def test_when_the_supervisor_is_killed_nothing_of_it_lives_on(hello, start):
    service = start(hello, "--first-run", "hello")
    service.read_until("Airflow: ready")
    family = service.family()

    service.process.kill()

    assert len(family) >= 2 * len(COMPONENTS)
    assert all_gone(family, seconds=30)

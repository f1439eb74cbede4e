from __future__ import annotations

import os
import socket

import pytest

from dataflow.errors import InputError
from dataflow.service.ports import Ports


def test_the_ports_are_those_of_airflow_where_nothing_is_said():
    ports = Ports.of({})

    assert (8080, 8793, 8794, 8974) == (
        ports.api.number,
        ports.worker_logs.number,
        ports.trigger_logs.number,
        ports.scheduler_health.number,
    )


def test_one_variable_moves_all_ports_by_the_same_distance():
    ports = Ports.of({"DATAFLOW_AIRFLOW_PORT": "18080"})

    assert (18080, 18793, 18794, 18974) == (
        ports.api.number,
        ports.worker_logs.number,
        ports.trigger_logs.number,
        ports.scheduler_health.number,
    )


def test_a_port_that_was_given_its_own_place_stays_there():
    ports = Ports.of({"DATAFLOW_AIRFLOW_PORT": "18080", "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": "9001"})

    assert 9001 == ports.worker_logs.number


@pytest.mark.parametrize("text", ["http", "0", "70000", "-1", "65000"])
def test_what_is_not_a_port_is_told_with_its_variable(text):
    with pytest.raises(InputError, match="DATAFLOW_AIRFLOW_PORT"):
        Ports.of({"DATAFLOW_AIRFLOW_PORT": text})


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_every_port_in_use_is_named_with_its_holder_and_what_moves_it(host):
    with socket.create_server((host, 0)) as one, socket.create_server((host, 0)) as other:
        taken, also_taken = one.getsockname()[1], other.getsockname()[1]
        environment = {
            "DATAFLOW_AIRFLOW_PORT": "28080",
            "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(taken),
            "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(also_taken),
        }

        with pytest.raises(InputError) as caught:
            Ports.of(environment).require_free()

    first, second, last = str(caught.value).splitlines()
    assert first.startswith(f"port {taken}, for task logs, is in use by process {os.getpid()}, ")
    assert second.startswith(f"port {also_taken}, for trigger logs, is in use by process {os.getpid()}, ")
    assert second.endswith("(AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT moves it alone)")
    assert last == "nothing was started; choose another with DATAFLOW_AIRFLOW_PORT=<port>, which moves all of them"


def test_a_connection_that_lingers_does_not_make_its_port_taken():
    """A restart right after the end must not have to wait for TIME_WAIT."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()  # the server's side closes first, so TIME_WAIT is on its port

    environment = {
        "DATAFLOW_AIRFLOW_PORT": "28080",
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(port),
    }
    Ports.of(environment).require_free()


def test_the_schedulers_health_port_is_looked_at_only_where_it_answers():
    with socket.create_server(("127.0.0.1", 0)) as server:
        environment = {
            "DATAFLOW_AIRFLOW_PORT": "28080",
            "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(server.getsockname()[1]),
        }
        Ports.of(environment).require_free()

        with pytest.raises(InputError, match="the scheduler's health, is in use"):
            Ports.of({**environment, "AIRFLOW__SCHEDULER__ENABLE_HEALTH_CHECK": "True"}).require_free()

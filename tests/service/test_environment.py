from __future__ import annotations

from importlib import import_module

from dataflow.service.environment import airflow_environment, airflow_home, local_address, user_environment
from dataflow.service.keys import Keys
from dataflow.service.ports import Ports


def environment_of(project, **user):
    settings = project.settings()
    return airflow_environment(settings, Ports.of(user), home=airflow_home(settings, user), keys=Keys.new(), user=user)


def test_the_home_lies_in_the_project(project):
    environment = environment_of(project)

    assert str(project.root / ".dataflow" / "airflow") == environment["AIRFLOW_HOME"]
    assert str(project.root / "dags") == environment["AIRFLOW__CORE__DAGS_FOLDER"]


def test_the_address_of_tasks_moves_with_the_port(project):
    environment = environment_of(project, DATAFLOW_AIRFLOW_PORT="18080")

    assert "http://127.0.0.1:18080/execution/" == environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"]
    assert "18080" == environment["AIRFLOW__API__PORT"]
    assert "18793" == environment["AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT"]


def test_the_path_of_a_base_url_is_kept():
    user = {"AIRFLOW__API__BASE_URL": "https://example.com/airflow/"}

    assert "http://127.0.0.1:8080/airflow" == local_address(Ports.of(user), user)


def test_what_the_user_set_stays(project):
    environment = environment_of(
        project, AIRFLOW__CORE__PARALLELISM="16", AIRFLOW__API_AUTH__JWT_SECRET="mine", MY="own"
    )

    assert ("16", "mine", "own") == (
        environment["AIRFLOW__CORE__PARALLELISM"],
        environment["AIRFLOW__API_AUTH__JWT_SECRET"],
        environment["MY"],
    )


def test_a_variable_that_is_set_to_nothing_counts_as_not_set(project):
    assert "4" == environment_of(project, AIRFLOW__CORE__PARALLELISM="")["AIRFLOW__CORE__PARALLELISM"]


def test_a_write_waits_long_for_another_one_on_sqlite_alone(project):
    postgres = environment_of(project, AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql+psycopg2://localhost/airflow")

    named = environment_of(project)["AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS"]
    module, _, name = named.rpartition(".")
    assert 60 == getattr(import_module(module), name)["timeout"]
    assert [] == [name for name in postgres if "CONNECT_ARGS" in name]


def test_nothing_reports_on_its_user(project):
    environment = environment_of(project)

    assert "1" == environment["DO_NOT_TRACK"]
    assert "False" == environment["AIRFLOW__COSMOS__ENABLE_TELEMETRY"]
    assert "false" == environment["DBT_SEND_ANONYMOUS_USAGE_STATS"]


def test_calls_on_this_machine_pass_by_a_proxy(project):
    environment = environment_of(project, NO_PROXY="intern.example.com", HTTPS_PROXY="http://proxy:3128")

    assert "intern.example.com,127.0.0.1,localhost" == environment["NO_PROXY"]


def test_the_environment_wins_over_the_projects_env_file(project, monkeypatch):
    (project.root / ".env").write_text(
        "AIRFLOW__CORE__PARALLELISM=2\nDATAFLOW_AIRFLOW_PORT=9090\nSTACK_ADMIN_PASSWORD=not ours\n"
    )
    monkeypatch.setenv("DATAFLOW_AIRFLOW_PORT", "9191")

    user = user_environment(project.root)

    assert ("2", "9191") == (user["AIRFLOW__CORE__PARALLELISM"], user["DATAFLOW_AIRFLOW_PORT"])
    assert "STACK_ADMIN_PASSWORD" not in user

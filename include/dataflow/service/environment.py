"""The environment of Airflow's programs on one machine. What the user has set is never overridden."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.service.keys import Keys
    from dataflow.service.ports import Ports
    from dataflow.settings import Settings

__all__ = ["NO_TELEMETRY", "airflow_environment", "airflow_home", "local_address", "user_environment"]

NO_TELEMETRY = {
    "DO_NOT_TRACK": "1",
    "SCARF_ANALYTICS": "false",
    "SCARF_NO_ANALYTICS": "true",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "AIRFLOW__COSMOS__ENABLE_TELEMETRY": "False",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
}
"""Nothing that we start reports on its user."""

PATIENCE = ("AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS", "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS_ASYNC")
"""What names the arguments of a connection to the metadata database."""
COMPOSE = "STACK_"
"""How the variables of docker-compose.yaml begin."""
NEW_DAG_SECONDS = 10
"""How often DAG files are parsed; with the parse itself a new folder shows well within 30 s."""


def user_environment(project: Path) -> dict[str, str]:
    """Give this process's environment over the project's ``.env``; the secrets of docker-compose.yaml stay there."""
    from dotenv import dotenv_values

    written = dotenv_values(project / ".env")
    ours = {name: value for name, value in written.items() if value is not None and not name.startswith(COMPOSE)}
    return {**ours, **os.environ}


def airflow_home(settings: Settings, user: Mapping[str, str]) -> Path:
    """Give ``AIRFLOW_HOME``, relative to the project; by default ``.dataflow/airflow``."""
    return settings.project / (user.get("AIRFLOW_HOME") or ".dataflow/airflow")


def local_address(ports: Ports, user: Mapping[str, str]) -> str:
    """Give the address of the API server on this machine, with the path that ``[api] base_url`` asks for."""
    path = urlsplit(user.get("AIRFLOW__API__BASE_URL", "")).path.rstrip("/")
    return f"http://127.0.0.1:{ports.api.number}{path}"


def airflow_environment(
    settings: Settings, ports: Ports, *, home: Path, keys: Keys, user: Mapping[str, str]
) -> dict[str, str]:
    """Give the whole environment in which Airflow's programs, and ``dataflow init``, run."""
    project = settings.project
    ours = {
        "DATAFLOW_PROJECT": str(project),
        "AIRFLOW__CORE__DAGS_FOLDER": str(project / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(project / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__FERNET_KEY": keys.fernet_key,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{local_address(ports, user)}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__SECRET_KEY": keys.session_secret,
        "AIRFLOW__API_AUTH__JWT_SECRET": keys.jwt_secret,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__COLORED_CONSOLE_LOG": "False",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": str(NEW_DAG_SECONDS),
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": str(NEW_DAG_SECONDS),
        "AIRFLOW__CORE__MIN_SERIALIZED_DAG_UPDATE_INTERVAL": str(NEW_DAG_SECONDS),
        "AIRFLOW__COSMOS__ENABLE_DAG_VERSIONING": "False",
        "AIRFLOW__COSMOS__CACHE_DIR": str(home / "cosmos"),
        "AIRFLOW__COSMOS__ENABLE_WATCHER_RELIABLE_RETRY": "False",  # our producers are never tried again
        **NO_TELEMETRY,
    }
    given = {name: value for name, value in user.items() if value}
    if {**ours, **given}["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"].startswith("sqlite:"):
        ours |= dict.fromkeys(PATIENCE, "dataflow.service.sqlite.CONNECT_ARGS")
    ports_and_home = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__API__PORT": str(ports.api.number),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports.worker_logs.number),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports.trigger_logs.number),
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_PORT": str(ports.scheduler_health.number),
    }
    return {**ours, **given, **ports_and_home, **_past_proxies(user)}


def _past_proxies(user: Mapping[str, str]) -> dict[str, str]:
    """Keep tasks' calls to the API server of this machine away from a proxy."""
    direct = {}
    for name in ("NO_PROXY", "no_proxy"):
        hosts = [host for host in user.get(name, "").split(",") if host]
        direct[name] = ",".join(dict.fromkeys([*hosts, "127.0.0.1", "localhost"]))
    return direct

"""An API server of its own over an `AirflowHome`'s database, asked as its users ask."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from dataflow.service.processes import Programs, last_lines, python_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kit.airflow_home import AirflowHome


@dataclass(frozen=True)
class Site:
    """One API server, asked as its users ask."""

    address: str
    passwords: dict[str, str]

    def token(self, login: str) -> str:
        """Log in as programs do."""
        given = {"username": login, "password": self.passwords[login]}
        answer = httpx.post(f"{self.address}/auth/token", json=given, trust_env=False, timeout=30)
        return str(answer.raise_for_status().json()["access_token"])

    def client(self, login: str | None = None, **headers: str) -> httpx.Client:
        """Give a client with the login's token; without one it is anonymous."""
        if login is not None:
            headers["Authorization"] = f"Bearer {self.token(login)}"
        return httpx.Client(base_url=self.address, headers=headers, timeout=60, trust_env=False)


@contextmanager
def serve(home: AirflowHome, folder: Path, *, path: str = "", **environment: str) -> Iterator[str]:
    """Run an API server that has neither DAG files nor a project, and give its address."""
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    address = f"http://127.0.0.1:{port}{path}"
    own = {
        **home.environment,
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": f"{address}/" if path else "",
        "AIRFLOW__CORE__DAGS_FOLDER": str(folder),
        **environment,
    }
    del own["DATAFLOW_PROJECT"]
    with Programs(own, folder, folder) as programs:
        programs.start("api-server", python_module("airflow", "api-server"))
        health = f"{address}/api/v2/monitor/health"
        until(lambda: _answers(health), "the API server answers", programs=programs)
        yield address


def until(holds: Callable[[], Any], what: str, *, programs: Programs, seconds: float = 180) -> None:
    """Wait until something holds; where it never does, fail with the last words of the programs."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            logs = "\n".join(f"{program.name}:\n{last_lines(program.log, 30)}" for program in programs.running)
            raise AssertionError(f"not within {seconds:.0f} s: {what}\n{logs}")
        programs.pause(0.5)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).is_success
    except httpx.TransportError:
        return False

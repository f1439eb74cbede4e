"""Airflow's REST API, as far as a supervisor needs it."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dataflow.errors import ServiceError
from dataflow.service.sqlite import BUSY_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import httpx

__all__ = ["AirflowApi"]

TRIES = 4
PATIENCE = timedelta(seconds=BUSY_SECONDS + 30)
"""Longer than a write of the server's own may wait for another's; less would give up what is about to be done."""
UNAUTHORIZED, NOT_FOUND, ERRORS = 401, 404, 400


class AirflowApi:
    """One login at one API server, each of whose answers may take as long as ``patience``."""

    def __init__(self, address: str, *, login: str, password: str, patience: timedelta = PATIENCE) -> None:
        import httpx

        self.address = address
        self._login = {"username": login, "password": password}
        # The server closes what is idle for 5 s; a POST on a connection that it closes just then would be lost.
        limits = httpx.Limits(keepalive_expiry=2)
        self._client = httpx.Client(base_url=address, timeout=patience.total_seconds(), limits=limits, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def health(self) -> dict[str, str | None]:
        """Give each component's status, e.g. ``healthy``; nothing while the server does not answer."""
        import httpx

        try:
            answer = self._client.get("/api/v2/monitor/health", timeout=5)
        except httpx.TransportError:
            return {}
        if answer.status_code >= ERRORS:
            return {}
        return {name: (component or {}).get("status") for name, component in answer.json().items()}

    def find(self, path: str, **query: Any) -> dict[str, Any] | None:
        """Read one thing; None where there is no such thing."""
        answer = self._send("GET", path, params=query)
        return None if answer.status_code == NOT_FOUND else self._body(answer)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """Read what must be there."""
        return self._body(self._send("GET", path, params=query))

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Create."""
        return self._body(self._send("POST", path, json=dict(body)))

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Change."""
        return self._body(self._send("PATCH", path, json=dict(body)))

    def trigger(self, dag_id: str, body: Mapping[str, Any]) -> str:
        """Start a run and give its id; one run, also where the answer to the first request was lost.

        Args:
            dag_id: Of what to run.
            body: As Airflow's ``POST /dags/{dag_id}/dagRuns`` takes it, but for ``dag_run_id``, which is made here.
        """
        runs, run_id = f"/dags/{dag_id}/dagRuns", f"manual__{datetime.now(UTC).isoformat()}"
        try:
            return str(self.post(runs, {"logical_date": None, **body, "dag_run_id": run_id})["dag_run_id"])
        except ServiceError:
            if self.find(f"{runs}/{run_id}") is None:
                raise
            return run_id

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = self._once(method, path, request)
        if answer.status_code == UNAUTHORIZED:
            self._sign_in()
            answer = self._once(method, path, request)
        return answer

    def _once(self, method: str, path: str, request: dict[str, Any]) -> httpx.Response:
        import httpx

        # What did not reach the server is sent again, and what may be done twice.
        again = httpx.ConnectError if method == "POST" else httpx.TransportError
        for attempt in range(TRIES):
            try:
                return self._client.request(method, f"/api/v2{path}", **request)
            except again:
                time.sleep(0.5 * 2**attempt)
            except httpx.TransportError as error:
                raise ServiceError(f"{method} {path}: no answer from Airflow at {self.address}: {error}") from error
        raise ServiceError(f"{method} {path}: no answer from Airflow at {self.address} after {TRIES} tries")

    def _sign_in(self) -> None:
        answer = self._client.post("/auth/token", json=self._login)
        if answer.status_code >= ERRORS:
            raise ServiceError(
                f"Airflow refused the login {self._login['username']!r} ({answer.status_code}); the password that it "
                "knows is in simple_auth_manager_passwords.json.generated in AIRFLOW_HOME"
            )
        self._client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def _body(self, answer: httpx.Response) -> dict[str, Any]:
        if answer.status_code >= ERRORS:
            raise ServiceError(
                f"{answer.request.method} {answer.request.url.path}: Airflow answered {answer.status_code}: "
                f"{answer.text[:500]}"
            )
        body: dict[str, Any] = answer.json()
        return body

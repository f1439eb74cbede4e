"""Airflow's REST API, as far as a supervisor needs it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from dataflow.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import httpx

__all__ = ["AirflowApi"]

TRIES = 4
UNAUTHORIZED, NOT_FOUND, ERRORS = 401, 404, 400


class AirflowApi:
    """One login at one API server."""

    def __init__(self, address: str, *, login: str, password: str) -> None:
        import httpx

        self.address = address
        self._login = {"username": login, "password": password}
        self._client = httpx.Client(base_url=address, timeout=20, trust_env=False)

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

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        answer = self._once(method, path, request)
        if answer.status_code == UNAUTHORIZED:
            self._sign_in()
            answer = self._once(method, path, request)
        return answer

    def _once(self, method: str, path: str, request: dict[str, Any]) -> httpx.Response:
        import httpx

        # Only what never reached the server, or only reads, is sent again: a trigger must not start two runs.
        again = httpx.TransportError if method == "GET" else httpx.ConnectError
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

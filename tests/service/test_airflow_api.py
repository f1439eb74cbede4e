"""What is asked of an API server whose answers are slow, or lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from dataflow.errors import ServiceError
from dataflow.service.airflow_api import AirflowApi
from kit.unruly_api import UnrulyApi, breaks_off, hangs, says

RUNS = "/api/v2/dags/shop/dagRuns"


@pytest.fixture
def server() -> Iterator[UnrulyApi]:
    with UnrulyApi() as server:
        yield server


@pytest.fixture
def api(server: UnrulyApi) -> Iterator[AirflowApi]:
    with AirflowApi(server.url, login="admin", password="secret", patience=timedelta(seconds=3)) as api:
        yield api


def test_a_change_whose_answer_does_not_come_is_asked_for_again(server: UnrulyApi, api: AirflowApi) -> None:
    server.routes["/api/v2/dags/shop"] = says({"is_paused": False})
    server.next_does(hangs(server.released), breaks_off)

    assert api.patch("/dags/shop", {"is_paused": False}) == {"is_paused": False}
    assert len(server.asked) == 3


def test_a_run_whose_answer_was_lost_is_found_and_not_started_twice(server: UnrulyApi, api: AirflowApi) -> None:
    started: list[str] = []

    def starts(handler: Any) -> None:
        started.append(json.loads(server.bodies[-1])["dag_run_id"])
        server.routes[f"{RUNS}/{started[-1]}"] = says({"dag_run_id": started[-1]})
        breaks_off(handler)

    server.routes[RUNS] = starts

    assert [api.trigger("shop", {"conf": {"day": 1}})] == started
    assert json.loads(server.bodies[0])["conf"] == {"day": 1}


def test_a_run_that_was_refused_is_an_error(server: UnrulyApi, api: AirflowApi) -> None:
    server.routes[RUNS] = says({"detail": "conf is no object"}, 422)
    server.next_does(says({"detail": "conf is no object"}, 422), says({}, 404))

    with pytest.raises(ServiceError, match=r"dagRuns: Airflow answered 422: .*conf is no object"):
        api.trigger("shop", {"conf": []})

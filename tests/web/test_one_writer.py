"""Many write to one API server over a SQLite file at once."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from kit.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.airflow]

CLIENTS, WRITES = 8, 12
SECONDS = 20
"""For one answer; a server that stands still needs SQLite's 60."""


def test_no_write_stands_in_the_way_of_another(simple: Site) -> None:
    def write(number: int) -> list[float]:
        took = []
        with simple.client("admin") as client:
            for each in range(WRITES):
                began = time.monotonic()
                body = {"logical_date": None, "dag_run_id": f"at-once-{number}-{each}"}
                client.post("/api/v2/dags/by_hand/dagRuns", json=body).raise_for_status()
                took.append(time.monotonic() - began)
        return took

    with ThreadPoolExecutor(CLIENTS) as pool:
        took = [seconds for each in pool.map(write, range(CLIENTS)) for seconds in each]

    assert len(took) == CLIENTS * WRITES
    assert max(took) < SECONDS


def test_a_client_that_goes_away_while_it_waits_gives_its_turn_up(simple: Site) -> None:
    address = urlsplit(simple.address)
    headers = {"Authorization": f"Bearer {simple.token('admin')}", "Content-Type": "application/json"}
    for _ in range(CLIENTS):
        leaver = HTTPConnection(str(address.hostname), address.port)
        leaver.request("PATCH", "/api/v2/dags/by_hand", body=json.dumps({"is_paused": True}), headers=headers)
        leaver.close()

    with simple.client("admin") as client:
        assert client.patch("/api/v2/dags/by_hand", json={"is_paused": True}, timeout=SECONDS).is_success

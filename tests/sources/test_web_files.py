from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dataflow.errors import FatalError, StepError, TransientError
from kit.ingest import ingest_source, landed
from kit.memory import takes_at_most
from kit.unruly_api import UnrulyApi, breaks_off, busy, redirects, says

CSV = b"id,name\n1,x\n2,y\n"


@pytest.fixture
def server() -> Iterator[UnrulyApi]:
    with UnrulyApi() as server:
        yield server


def web_source(server: UnrulyApi, path: str = "/orders.csv", **keys: Any) -> dict[str, Any]:
    columns = {"id": "BIGINT", "name": "VARCHAR"}
    return {"type": "file", "format": "csv", "path": server.url + path, "columns": columns, **keys}


def read(root: Path, server: UnrulyApi, path: str = "/orders.csv", **keys: Any) -> list[tuple[Any, ...]]:
    return landed(ingest_source(root, web_source(server, path, **keys)))


def refused(root: Path, server: UnrulyApi, kind: type[StepError]) -> str:
    with pytest.raises(kind) as caught:
        read(root, server)
    assert not list((root / "landing").rglob("*.parquet"))
    return str(caught.value)


def test_a_file_of_the_web_is_read(tmp_path: Path, server: UnrulyApi) -> None:
    server.routes["/orders.csv"] = says(CSV, kind="text/csv")

    assert [(1, "x"), (2, "y")] == read(tmp_path, server)


@pytest.mark.parametrize("headers", [{}, {"Content-Encoding": "gzip"}])
def test_a_packed_file_is_unpacked_once(tmp_path: Path, server: UnrulyApi, headers: dict[str, str]) -> None:
    server.routes["/orders.csv.gz"] = says(gzip.compress(CSV), headers=headers, kind="application/gzip")

    assert [(1, "x"), (2, "y")] == read(tmp_path, server, "/orders.csv.gz")


def test_what_is_packed_for_the_way_is_unpacked(tmp_path: Path, server: UnrulyApi) -> None:
    server.routes["/orders.csv"] = says(gzip.compress(CSV), headers={"Content-Encoding": "gzip"}, kind="text/csv")

    assert [(1, "x"), (2, "y")] == read(tmp_path, server)


def test_what_unpacks_to_much_more_takes_no_more_memory(tmp_path: Path, server: UnrulyApi) -> None:
    lines = gzip.compress(b"id,name\n" + b"1,%s\n" % (b"x" * 61) * (1 << 20))
    server.routes["/orders.csv"] = says(lines, headers={"Content-Encoding": "gzip"}, kind="text/csv")

    with takes_at_most(12 << 20):
        assert 1 << 20 == ingest_source(tmp_path, web_source(server)).rows


def test_what_is_packed_twice_for_the_way_is_refused(tmp_path: Path, server: UnrulyApi) -> None:
    twice = gzip.compress(gzip.compress(CSV))
    server.routes["/orders.csv"] = says(twice, headers={"Content-Encoding": "gzip, gzip"}, kind="text/csv")

    assert "answers packed by gzip, gzip" in refused(tmp_path, server, FatalError)


def test_parquet_and_json_are_read(tmp_path: Path, server: UnrulyApi) -> None:
    duckdb.execute(f"copy (select 7::BIGINT as id, 'p' as name) to '{tmp_path / 'p'}' (format parquet)")
    server.routes["/orders.parquet"] = says((tmp_path / "p").read_bytes(), kind="application/octet-stream")
    server.routes["/orders.json"] = says([{"id": 8, "name": "j"}])

    assert [(7, "p")] == read(tmp_path, server, "/orders.parquet", format="parquet")
    assert [(8, "j")] == read(tmp_path, server, "/orders.json", format="json")


def test_a_file_that_breaks_off_is_fetched_again_from_its_beginning(tmp_path: Path, server: UnrulyApi) -> None:
    server.routes["/orders.csv"] = says(CSV, kind="text/csv")
    server.next_does(busy(), breaks_off)

    assert [(1, "x"), (2, "y")] == read(tmp_path, server)


@pytest.mark.parametrize(
    ("behaviour", "kind", "told"),
    [
        (says(b"<p>Log in</p>", kind="text/html"), TransientError, "a web page, not data; often of a proxy"),
        (says(b"<!doctype html><p>Log in</p>", kind="text/csv"), TransientError, "a web page, not data"),
        (says(b"", kind="text/csv"), TransientError, "nothing came, not even a header"),
        (says(b"", 404), FatalError, "/orders.csv: the server answered 404"),
        (says(b"", 403), FatalError, "answered 403; a file source sends no login"),
        (busy(503), TransientError, "the server answered 503 each time"),
        (breaks_off, TransientError, "it did not come whole (RemoteProtocolError)"),
        (
            redirects("http://169.254.169.254/"),
            FatalError,
            "169.254.169.254 is at 169.254.169.254, on this machine or in",
        ),
    ],
)
def test_what_is_no_file_is_told_and_nothing_is_landed(
    tmp_path: Path, server: UnrulyApi, behaviour: Any, kind: type[StepError], told: str
) -> None:
    server.routes["/orders.csv"] = behaviour

    assert told in refused(tmp_path, server, kind)


def test_a_file_that_another_host_keeps_is_fetched_there_without_a_login(tmp_path: Path, server: UnrulyApi) -> None:
    with UnrulyApi() as store:
        store.routes["/signed"] = says(CSV, kind="text/csv")
        server.routes["/orders.csv"] = redirects(f"http://eve:mallory@{store.url[7:]}/signed?sig=abc")

        path = f"http://ada:lovelace@{server.url[7:]}/orders.csv"
        assert [(1, "x"), (2, "y")] == landed(ingest_source(tmp_path, web_source(server) | {"path": path}))

        assert "authorization" in server.asked[0][2]
        [(path, query, headers)] = store.asked
    assert ("/signed", {"sig": "abc"}) == (path, query)
    assert not {"authorization", "cookie", "referer"} & headers.keys()


def test_a_secret_in_the_address_is_not_told(tmp_path: Path, server: UnrulyApi) -> None:
    server.routes["/orders.csv"] = says(b"", 404)

    with pytest.raises(FatalError) as caught:
        read(tmp_path, server, "/orders.csv?sig=swordfish")

    assert "swordfish" not in str(caught.value)


def test_an_address_within_is_refused(tmp_path: Path, server: UnrulyApi) -> None:
    with pytest.raises(FatalError, match="DATAFLOW_ALLOWED_HOSTS"):
        ingest_source(tmp_path, web_source(server), allowed_hosts="")

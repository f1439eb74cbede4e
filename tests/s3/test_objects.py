from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataflow.errors import FatalError, TransientError
from dataflow.s3 import objects
from dataflow.s3.errors import NotFound, PreconditionFailed
from dataflow.s3.place import S3Place
from kit.store import Bucket, Proxy, connect, disconnect, proxy

CONTENT = bytes(range(256)) * 20_000


@pytest.fixture
def unreliable(store: Bucket) -> Iterator[tuple[Proxy, S3Place]]:
    """A proxy before the store, and the store's place as seen through it."""
    with proxy(store.port) as before:
        connection = connect(before.port)
        yield before, S3Place(connection, store.name)
        disconnect(connection)


def put(place: S3Place, tmp_path: Path, content: bytes = CONTENT) -> str:
    file = tmp_path / "draft"
    file.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    objects.put_file(place, file, sha256=sha256)
    return sha256


def test_a_file_comes_back_as_it_went(store: Bucket, tmp_path: Path):
    sha256 = put(store.place("a/b"), tmp_path)

    assert (len(CONTENT), sha256) == objects.fetch(store.place("a/b"), tmp_path / "copy")
    assert CONTENT == (tmp_path / "copy").read_bytes()
    assert (len(CONTENT), sha256) == objects.digest(store.place("a/b"))


def test_a_large_file_goes_up_in_pieces_and_comes_back_whole(
    store: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(objects, "WHOLE", 1_000)
    content = CONTENT * 3  # more than the 8 MB of one piece

    sha256 = put(store.place("large"), tmp_path, content)

    assert (len(content), sha256) == objects.digest(store.place("large"))


def test_what_is_not_there_is_none(store: Bucket, tmp_path: Path):
    assert objects.read(store.place("none")) is None
    assert not objects.exists(store.place("none"))
    with pytest.raises(NotFound, match=r"bucket-.*/none"):
        objects.fetch(store.place("none"), tmp_path / "copy")


def test_everything_below_a_folder_is_listed_and_deleted(store: Bucket, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(objects, "PAGE", 3)
    names = [f"folder/{number:02}" for number in range(10)]
    for name in names:
        objects.put_bytes(store.place(name), b"x")
    objects.put_bytes(store.place("folder-of-another/1"), b"x")

    listed = [found.place for found in objects.list_below(store.place("folder"))]

    assert names == [place.key for place in listed]
    objects.delete(listed)
    assert ["folder-of-another/1"] == store.names()
    objects.delete(listed)  # once more does no harm


def test_a_small_object_is_written_only_where_nobody_wrote_it_in_between(store: Bucket):
    place = store.place("current.json")
    assert (None, objects.NEW) == objects.read_tagged(place)

    objects.put_bytes(place, b"first", tag=objects.NEW)
    with pytest.raises(PreconditionFailed):
        objects.put_bytes(place, b"as new", tag=objects.NEW)
    _, tag = objects.read_tagged(place)
    objects.put_bytes(place, b"second", tag=tag)
    with pytest.raises(PreconditionFailed):
        objects.put_bytes(place, b"late", tag=tag)

    assert b"second" == objects.read(place)


def test_a_bucket_that_is_not_there_is_told(store: Bucket):
    with pytest.raises(FatalError, match="there is no bucket 'nowhere'; create it"):
        objects.put_bytes(S3Place(store.connection, "nowhere", "x"), b"x")


def test_a_connection_that_nobody_knows_is_told():
    with pytest.raises(FatalError, match="there is no connection 'nobody'"):
        objects.read(S3Place("nobody", "lake", "x"))


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({"endpoint_url": "no address"}, "Invalid endpoint: no address"),
        ({"profile_name": "nobody"}, "profile .nobody. could not be found"),
        ({"config_kwargs": {"nonsense": 1}}, "nonsense"),
        ({"service_config": "text"}, "no client can be made of it"),
    ],
)
@pytest.mark.parametrize("what", ["read", "put", "list"])
def test_a_connection_that_is_damaged_is_told_and_not_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, extra: dict[str, object], told: str, what: str
):
    given = {"conn_type": "aws", "login": "me", "password": "a-secret-key", "extra": extra}
    connection = f"damaged_{tmp_path.name}"  # a client stays for as long as its process
    monkeypatch.setenv(f"AIRFLOW_CONN_{connection.upper()}", json.dumps(given))
    place = S3Place(connection, "lake", "x")
    act = {
        "read": lambda: objects.read(place),
        "put": lambda: put(place, tmp_path),
        "list": lambda: next(objects.list_below(place)),
    }[what]

    with pytest.raises(FatalError, match=f"connection {connection}: .*{told}"):
        act()


def test_a_store_where_nobody_listens_is_something_that_may_pass():
    connection = connect(1, tries=1)

    with pytest.raises(TransientError, match="Could not connect"):
        objects.read(S3Place(connection, "lake", "x"))
    disconnect(connection)


@pytest.mark.parametrize("how", ["503", "hang up", "lose the answer"])
@pytest.mark.parametrize("what", ["put", "fetch", "list", "delete"])
def test_a_store_that_fails_twice_is_asked_again(
    unreliable: tuple[Proxy, S3Place], tmp_path: Path, how: str, what: str
):
    before, top = unreliable
    sha256 = put(top / "x", tmp_path)
    before.fail(how, times=2)

    if what == "put":
        put(top / "y", tmp_path)
        assert (len(CONTENT), sha256) == objects.digest(top / "y")
    elif what == "fetch":
        assert (len(CONTENT), sha256) == objects.fetch(top / "x", tmp_path / "copy")
    elif what == "list":
        assert ["x"] == [found.place.key for found in objects.list_below(top)]
    else:
        objects.delete([top / "x"])
        assert not objects.exists(top / "x")
    assert 2 == sum(became == how for _, _, became in before.seen)


def test_an_answer_that_breaks_off_is_read_again(unreliable: tuple[Proxy, S3Place], tmp_path: Path):
    before, top = unreliable
    sha256 = put(top / "x", tmp_path)
    before.fail("cut the answer", times=2, method="GET")

    assert (len(CONTENT), sha256) == objects.fetch(top / "x", tmp_path / "copy")
    assert CONTENT == (tmp_path / "copy").read_bytes()


def test_one_that_always_breaks_off_is_told_as_something_that_may_pass(
    unreliable: tuple[Proxy, S3Place], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(objects, "FETCHES", 2)
    before, top = unreliable
    put(top / "x", tmp_path)
    before.fail("cut the answer", times=100, method="GET")

    with pytest.raises(TransientError, match="broke off 2 times while it was read"):
        objects.fetch(top / "x", tmp_path / "copy")


def test_secrets_of_the_connection_are_in_no_error(store: Bucket):
    with pytest.raises(FatalError) as told:
        objects.read(S3Place(store.connection, "nowhere", "x"))

    assert "a-secret-key" not in str(told.value)

"""What lies at a place, with its version: on this machine and in a bucket."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from dataflow.errors import FatalError
from dataflow.sources.files.arrivals import versions_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEYS = ("inbox/a.csv", "inbox/b.csv.tmp", "inbox/old/c.csv", "inbox/old/older/d.csv", "other/e.csv", "inbox/x[1].csv")


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    given = {"aws_access_key_id": "key", "aws_secret_access_key": "secret-of-the-test", "region_name": "eu-central-1"}
    client = boto3.client("s3", endpoint_url=address, **given)
    client.create_bucket(Bucket="drop", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    extra = {"endpoint_url": address, "region_name": "eu-central-1"}
    text = json.dumps({"conn_type": "aws", "login": "key", "password": "secret-of-the-test", "extra": extra})
    os.environ["AIRFLOW_CONN_DROP_S3"] = text
    yield client
    del os.environ["AIRFLOW_CONN_DROP_S3"]
    client.close()
    server.stop()


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("inbox/a.csv", {"inbox/a.csv"}),
        ("inbox/*.csv", {"inbox/a.csv", "inbox/x[1].csv"}),
        ("inbox/**/*.csv", {"inbox/a.csv", "inbox/old/c.csv", "inbox/old/older/d.csv", "inbox/x[1].csv"}),
        ("*/?.csv", {"inbox/a.csv", "other/e.csv"}),
        ("inbox/[!b-z].csv", {"inbox/a.csv"}),
        ("nothing/*", set()),
    ],
)
def test_a_glob_means_the_same_on_a_disk_and_in_a_bucket(
    s3: Any, tmp_path: Path, pattern: str, expected: set[str]
) -> None:
    for key in KEYS:
        s3.put_object(Bucket="drop", Key=key, Body=b"a,b\n")
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_text("a,b\n")

    assert {f"{tmp_path}/{name}" for name in expected} == set(versions_at(f"{tmp_path}/{pattern}"))
    assert {f"s3://drop/{name}" for name in expected} == set(versions_at(f"s3://drop_s3@drop/{pattern}"))


def test_a_file_that_is_rewritten_has_another_version(s3: Any, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("one")
    s3.put_object(Bucket="drop", Key="again/a.csv", Body=b"one")
    before = [versions_at(str(file)), versions_at("s3://drop_s3@drop/again/*")]
    same = [versions_at(str(file)), versions_at("s3://drop_s3@drop/again/*")]

    file.write_text("two")
    os.utime(file, ns=(1, file.stat().st_mtime_ns + 1_000_000))
    s3.put_object(Bucket="drop", Key="again/a.csv", Body=b"two")

    after = [versions_at(str(file)), versions_at("s3://drop_s3@drop/again/*")]
    assert before == same
    assert all(old != new and old.keys() == new.keys() for old, new in zip(before, after, strict=True))


def test_more_objects_than_one_page_holds_are_all_found(s3: Any) -> None:
    for number in range(1005):
        s3.put_object(Bucket="drop", Key=f"many/{number:04}.csv", Body=b"")

    assert 1005 == len(versions_at("s3://drop_s3@drop/many/*.csv"))


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "inbox" / "sub").mkdir(parents=True)

    assert {} == versions_at(f"{tmp_path}/inbox/*")


def test_a_connection_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(FatalError, match="there is no connection 'nobodys'"):
        versions_at("s3://nobodys@drop/a.csv")

from __future__ import annotations

import json
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.errors import LandingError
from dataflow.landing.manifest import Manifest, Part, part_paths, read_manifest, verify
from kit.landing import DAY, land

counts = st.integers(0, 2**53)
manifests = st.builds(
    Manifest,
    workflow=st.text(),
    table=st.text(),
    run_id=st.text(),
    window=st.just(DAY),
    try_number=counts,
    parts=st.lists(st.builds(Part, st.text(), counts, counts, st.text())).map(tuple),
    columns=st.dictionaries(st.text(), st.text()),
    cut_rows=counts,
    created_at=st.datetimes(timezones=st.just(UTC)),
)


@given(manifests)
def test_a_manifest_reads_back_as_it_was_written(manifest: Manifest):
    read = Manifest.from_json(json.loads(json.dumps(manifest.to_json())))

    assert manifest == read
    assert list(manifest.columns) == list(read.columns)


def test_the_uri_of_a_batch_reads_its_manifest(tmp_path: Path):
    manifest = land(tmp_path)

    read = read_manifest(manifest.uri)

    assert (manifest, manifest.folder) == (read, read.folder)
    assert 3 == read.rows
    assert {"id": "BIGINT"} == read.columns


def test_the_schema_hash_tells_names_types_and_order_but_not_our_own_columns(tmp_path: Path):
    ours = "'run' as _dataflow_run"
    plain = land(tmp_path, "select 1 as a, 2 as b").schema_hash

    assert plain == land(tmp_path, f"select 1 as a, 2 as b, {ours}").schema_hash
    assert plain != land(tmp_path, "select 2 as b, 1 as a").schema_hash
    assert plain != land(tmp_path, "select 1::bigint as a, 2 as b").schema_hash


def test_a_missing_manifest_is_told(tmp_path: Path):
    with pytest.raises(LandingError, match=r"no manifest .*; clear the ingest task"):
        read_manifest(f"{tmp_path}/gone/manifest.json")


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"workflow": "shop"', b"\xff\xfe"])
def test_a_damaged_manifest_is_told(tmp_path: Path, content: bytes):
    (tmp_path / "manifest.json").write_bytes(content)

    with pytest.raises(LandingError, match="damaged"):
        read_manifest(f"{tmp_path}/manifest.json")


def test_whole_files_are_verified(tmp_path: Path):
    verify(land(tmp_path))


@pytest.mark.parametrize("place", [0, 4, 50, -1])
def test_one_flipped_bit_is_found(tmp_path: Path, place: int):
    manifest = land(tmp_path)
    part = Path(part_paths(manifest)[0])
    content = bytearray(part.read_bytes())
    content[place] ^= 1
    part.write_bytes(content)

    with pytest.raises(LandingError, match=r"part-0000\.parquet has another sha256"):
        verify(manifest)


def test_a_file_cut_short_is_found(tmp_path: Path):
    manifest = land(tmp_path)
    part = Path(part_paths(manifest)[0])
    part.write_bytes(part.read_bytes()[:-1])

    with pytest.raises(LandingError, match="bytes, its manifest says"):
        verify(manifest)


def test_a_missing_file_is_found(tmp_path: Path):
    manifest = land(tmp_path)
    Path(part_paths(manifest)[0]).unlink()

    with pytest.raises(LandingError, match="cannot be read"):
        verify(manifest)

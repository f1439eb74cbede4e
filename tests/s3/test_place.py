from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataflow.s3.place import S3Place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("s3://aws@lake/landing/x", S3Place("aws", "lake", "landing/x")),
        ("s3://aws@lake/landing/", S3Place("aws", "lake", "landing")),
        ("s3://aws@lake", S3Place("aws", "lake")),
        ("s3://lake/landing", S3Place("", "lake", "landing")),
    ],
)
def test_a_place_is_read_as_it_is_written(text: str, place: S3Place):
    assert place == S3Place.parse(text)
    assert text.rstrip("/") == str(place)


@pytest.mark.parametrize("text", ["s3://", "s3://aws@", "s3:/lake", "lake/x", "s3://a b@lake/x", "s3://aws@UPPER/x"])
def test_what_is_no_place_is_told_with_its_form(text: str):
    with pytest.raises(ValueError, match="write s3://connection@bucket/folder"):
        S3Place.parse(text)


@given(st.lists(st.from_regex(r"\A[0-9A-Za-z_-]+\Z"), min_size=1, max_size=4))
def test_a_place_joined_of_names_reads_back(names: list[str]):
    place = S3Place("aws", "lake")
    for name in names:
        place /= name

    assert place == S3Place.parse(str(place))
    assert "/".join(names) == place.key

"""What somebody probably meant, who wrote a name that nothing has."""

from __future__ import annotations

import pytest

from dataflow.near_miss import did_you_mean, known_words, near_words


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("tokn", ["token"]),
        ("TOKEN", ["token"]),
        (" user", ["User"]),
        ("pasword", ["password"]),
        ("nothing_like_it", []),
    ],
)
def test_the_nearest_word_is_given_as_it_is_spelled_there(written: str, meant: list[str]) -> None:
    assert meant == near_words(written, ["token", "User", "password"])


def test_a_word_that_differs_in_case_alone_is_found_among_very_many() -> None:
    assert ["last_column"] == near_words("Last_Column", [*(f"c{number}" for number in range(10_000)), "last_column"])


def test_a_word_of_another_tool_comes_before_letters_that_are_alike() -> None:
    assert "did you mean 'retries'?" == did_you_mean("tries", ["retries", "series"])
    assert "did you mean 'series'?" == did_you_mean("tries", ["retries", "series"], others={"tries": "series"})


def test_where_no_word_is_near_those_that_are_known_are_listed_as_far_as_they_fit() -> None:
    assert "there is: east, west" == known_words("shop", ["west", "east"], what="there is")
    assert "known here: 1, 2 and 1 more" == known_words("shop", ["3", "2", "1"], most=2)
    assert "" == known_words("shop", [])

"""Regular expressions of a config: those that Python's engine could judge for years are told from the others."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from dataflow.loading.rules.patterns import fault_of_pattern

HARMLESS = [
    r"^[a-z0-9]+(-[a-z0-9]+)*$",
    r"^\d+(,\d+)*$",
    r"^[^@]+@[^@]+$",
    r"^(\d{1,3}\.){3}\d{1,3}$",
    r"^(foo|bar)*$",
    r"^(a|b|c)+$",
    r"^([A-Z]{2}\d+;)+$",
    r"^s3://[a-z.-]+/.*$",
    r"^(-?\d)+$",
    r"^(\w+\s)*$",
    r"^(?P<year>\d{4})-(?P<month>\d\d)$",
    r"^([A-Za-z]:)?[\w./-]+$",
    r"^(?:a{2}){3,}$",
    r"^[(+*)]+\(\d+\)+$",
    r"(?i)^(?=x)[a-z]+$",
]
ENDLESS = {
    r"^(a+)+$": "a",
    r"^(a*)*$": "a",
    r"^([a-z]+)*$": "a",
    r"^(a|a)*$": "a",
    r"^(a|ab|b)*$": "ab",
    r"^([+-]?\d+)*$": "1",
    r"^(\w+,?)*$": "a",
    r"^(.*,)*$": ",",
    r"^(a?a?)*$": "a",
    r"^((a{2,})b?){4,}$": "a",
    r"^(\d+|[0-9]x)+$": "1",
}
JUDGE = """\
import re, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (2, 2))
re.search(sys.argv[1], sys.argv[2])
"""
"""Ends by itself, or is killed after two seconds of work."""


@pytest.mark.parametrize("pattern", HARMLESS)
def test_a_loop_whose_rounds_show_in_the_text_is_sound(pattern: str) -> None:
    assert not fault_of_pattern(pattern)


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_loop_that_splits_a_text_in_many_ways_is_refused(pattern: str) -> None:
    assert fault_of_pattern(pattern).startswith("repeats what repeats")


@pytest.mark.slow
@pytest.mark.parametrize(("pattern", "piece"), [*ENDLESS.items(), *((each, "a1-,") for each in HARMLESS)])
def test_what_is_refused_does_take_long_and_what_is_not_does_not(pattern: str, piece: str) -> None:
    command = [sys.executable, "-c", JUDGE, pattern, f"{piece * 60}!"]

    ended = subprocess.run(command, timeout=120, check=False).returncode

    assert ended == (0 if pattern in HARMLESS else -signal.SIGKILL)


@pytest.mark.parametrize("pattern", ["(", "a{2,1}", "[z-a]", "(?P<n>a)(?P<n>b)", "\\"])
def test_what_is_no_regular_expression_is_said_to_be_none(pattern: str) -> None:
    assert "is no regular expression" == fault_of_pattern(pattern)

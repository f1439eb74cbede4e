"""What authors of validation.py say, and what fails a task."""

from __future__ import annotations

import numpy as np
import pytest

from dataflow.errors import DataQualityError, FatalError
from dataflow.quality.outcome import CheckOutcome, raise_on_failures
from dataflow.quality.result import CheckResult


def outcome(name, status, on_fail="error"):
    return CheckOutcome(
        name=name, kind="not_null", columns=("a",), status=status, failures=1, rows=2, message="1 of 2", on_fail=on_fail
    )


@pytest.mark.parametrize(
    ("passed", "on_fail", "status"),
    [(True, "error", "passed"), (False, "error", "failed"), (False, "warn", "warned"), (np.False_, "error", "failed")],
)
def test_a_result_becomes_an_outcome_like_the_others(passed, on_fail, status):
    result = CheckResult("totals", passed=passed, failures=3, message="3 totals differ", on_fail=on_fail)

    given = result.to_outcome()

    assert (status, "python", 3, "3 totals differ") == (given.status, given.kind, given.failures, given.message)


@pytest.mark.parametrize("passed", [None, "yes", 1])
def test_a_result_without_a_verdict_is_refused(passed):
    with pytest.raises(FatalError, match="CheckResult 'totals': `passed` must be True or False"):
        CheckResult("totals", passed=passed)


def test_a_result_with_another_on_fail_is_refused():
    with pytest.raises(FatalError, match="`on_fail` must be 'error' or 'warn', not 'ignore'"):
        CheckResult("totals", passed=True, on_fail="ignore")


def test_failed_and_unjudged_checks_stop_the_task_unless_they_warn():
    outcomes = [
        outcome("fine", "passed"),
        outcome("bad", "failed"),
        outcome("broken", "error"),
        outcome("soft", "warned", "warn"),
        outcome("soft_broken", "error", "warn"),
    ]

    with pytest.raises(DataQualityError) as caught:
        raise_on_failures("orders", outcomes)

    assert "orders: 2 failed: bad: 1 of 2; broken: 1 of 2" == str(caught.value)


def test_warnings_alone_stop_nothing():
    raise_on_failures("orders", [outcome("soft", "warned", "warn"), outcome("fine", "passed")])

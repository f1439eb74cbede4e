from __future__ import annotations

import json

import httpx
import pytest
from airflow.sdk.definitions.retry_policy import RetryAction
from airflow.serialization.serialized_objects import DagSerialization

from dataflow.errors import ContractError, FatalError, StepError
from dataflow.factory.dag import build_dag
from dataflow.factory.retries import NeverRetry
from kit.project import MOCK_CONFIG, Project


class ShopClosed(Exception):
    pass


class ClosedForGood(ShopClosed):
    pass


def as_the_runtime_raises(cause: BaseException) -> BaseException:
    error = StepError("ingestion.py:7: the shop is closed")
    error.__cause__ = cause
    return error


def action(error: BaseException, *names: str) -> RetryAction:
    return NeverRetry(names).evaluate(error, try_number=1, max_tries=3).action


@pytest.mark.parametrize("error", [ShopClosed(), ClosedForGood()])
def test_an_author_s_error_fails_at_once_though_ours_is_around_it(error: Exception) -> None:
    assert RetryAction.FAIL == action(as_the_runtime_raises(error), "ShopClosed")


def test_an_error_that_is_not_named_is_left_to_retries() -> None:
    assert RetryAction.DEFAULT == action(as_the_runtime_raises(ValueError("no")), "ShopClosed", "KeyError")


def test_our_errors_and_their_kinds_are_named_by_their_class() -> None:
    assert RetryAction.FAIL == action(ContractError("a column is missing"), "FatalError")
    assert RetryAction.DEFAULT == action(FatalError("no"), "ContractError")


def test_a_library_s_error_is_named_with_its_package() -> None:
    error = as_the_runtime_raises(httpx.ReadTimeout("slow"))

    assert RetryAction.FAIL == action(error, "httpx.ReadTimeout")
    assert RetryAction.FAIL == action(error, "httpx.TransportError")
    assert RetryAction.DEFAULT == action(error, "requests.ReadTimeout")


def test_an_error_that_is_its_own_cause_ends() -> None:
    error = ValueError("round and round")
    error.__cause__ = error

    assert RetryAction.DEFAULT == action(error, "ShopClosed")


def test_tasks_carry_the_policy_and_the_serialized_dag_is_the_same_each_time(project: Project) -> None:
    project.write_workflow("shop", {**MOCK_CONFIG, "never_retry": "ContractError"})
    dag = build_dag(project.workflow("shop"), project.settings())

    assert all(task.retry_policy.names == ("ContractError",) for task in dag.tasks)
    first, second = (
        json.dumps(DagSerialization.to_dict(build_dag(project.workflow("shop"), project.settings()))) for _ in range(2)
    )
    assert first == second

"""Killed at any point, and tried again: each row is there once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from dataflow.runtime import local, publish_step, put_back, setting_aside, transform_step, validate_step
from dataflow.runtime.local import run_workflow
from dataflow.runtime.resume import resume_from
from kit.shop import POSITIVE, Shop

CORRECTED = "_dataflow_row,amount\n1,5.00\n2,1.00\n"


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at(module: object, name: str, work: Callable[[], object]) -> None:
    """Do the work in a process that is killed when it is about to call this."""
    child = os.fork()
    if child == 0:
        setattr(module, name, die)
        try:
            work()
        finally:
            os._exit(0)
    assert signal.SIGKILL == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) * -1


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (setting_aside, "quarantine_rows"),
        (setting_aside, "write_batch"),
        (validate_step, "without_refused"),
        (transform_step, "load"),
    ],
    ids=["before quarantine", "before the new manifest", "before either", "before the load"],
)
def test_a_run_that_is_killed_and_gone_on_with_has_each_row_once(shop: Shop, module, name):
    shop.write(POSITIVE)
    killed_at(module, name, shop.run)

    workflow = shop.project.workflow("shop")
    earlier = resume_from(shop.history, workflow, step="validate", window=None)
    again = run_workflow(workflow, settings=shop.settings, earlier=earlier)

    assert ("success", None) == (again.status, again.error)
    assert [1, 4] == shop.loaded() == shop.published()
    assert [(2,), (3,)] == shop.quarantined()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (put_back, "write_rows"),
        (put_back, "write_batch"),
        (put_back, "place_batch"),
        (transform_step, "load"),
        (publish_step, "publish"),
        (local, "finish_run"),
    ],
    ids=["begun", "before the batch", "before the commit", "before the load", "before publish", "before the end"],
)
def test_a_replay_that_is_killed_and_called_again_puts_each_row_back_once(shop: Shop, module, name):
    shop.run(POSITIVE)
    killed_at(module, name, lambda: shop.replay(corrected=CORRECTED))

    shop.replay(corrected=CORRECTED if shop.records() else None)

    assert [(1, 1000), (2, 500), (3, 100), (4, 750)] == shop.loaded("order_id, (amount * 100)::int")
    assert [1, 2, 3, 4] == shop.published()
    assert [] == shop.records()
    assert [] == shop.replay()


def test_a_replay_that_was_interrupted_is_no_concern_of_the_next_run(shop: Shop):
    shop.run(POSITIVE)
    killed_at(transform_step, "load", lambda: shop.replay(corrected=CORRECTED))

    again = shop.run()
    done = shop.replay()

    assert "success" == again.status
    assert (None, 2) == (done[0].result, done[1].failed)
    assert "read these rows again since" in done[0].reason
    assert [1, 4] == shop.loaded()
    assert [(2,), (3,)] == shop.quarantined()

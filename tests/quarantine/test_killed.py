"""Killed at any point, and tried again: each row is there once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import duckdb
import pytest

from dataflow.landing.current import current_manifest
from dataflow.landing.manifest import part_paths
from dataflow.ops.reading import list_runs
from dataflow.runtime.local import run as local
from dataflow.runtime.local.resume import resume_from
from dataflow.runtime.local.run import run_workflow
from dataflow.runtime.quarantine import put_back, set_aside
from dataflow.runtime.steps import publish, transform, validate
from kit.shop import CORRECTED, POSITIVE, Shop


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
        (set_aside, "quarantine_rows"),
        (set_aside, "write_batch"),
        (validate, "without_refused"),
        (transform, "load"),
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
        (transform, "load"),
        (publish, "publish"),
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


@pytest.mark.parametrize("name", ["place_batch", "set_current"])
def test_others_see_the_batch_that_stands_though_the_replay_before_was_killed(shop: Shop, name):
    shop.run(POSITIVE)
    killed_at(put_back, name, lambda: shop.replay(corrected="_dataflow_row,amount\n1,50.00\n2,10.00\n"))

    if shop.records():
        shop.replay(corrected=CORRECTED)
    else:
        shop.replay()

    run = next(run for run in list_runs(shop.history, workflow="shop") if run.replay_of is None)
    batch = current_manifest(shop.settings.landing, "shop", "orders", run.window)
    seen = duckdb.execute("SELECT order_id, amount FROM read_parquet(?) ORDER BY 1", [part_paths(batch)]).fetchall()
    assert shop.loaded("order_id, amount") == seen


def test_after_a_replay_that_was_interrupted_the_next_run_has_each_row_once(shop: Shop):
    shop.run(POSITIVE)
    killed_at(transform, "load", lambda: shop.replay(corrected=CORRECTED))

    again = shop.run()
    (done,) = shop.replay()

    assert "success" == again.status
    assert (None, True) == (done.result, "read these rows again since" in done.reason)
    # What was corrected is known, although the replay never came to its end.
    assert [(1, 1000), (2, 500), (3, 100), (4, 750)] == shop.loaded("order_id, (amount * 100)::int")
    assert [] == shop.records()

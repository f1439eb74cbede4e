"""The lock: one process at a time, no process against itself, freed by the kernel."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dataflow.errors import LockTimeout
from dataflow.warehouse.lock import hold_for_process, let_go_for_process, warehouse_lock
from kit.warehouse import House

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOLDER = """
import sys, time
from pathlib import Path
from dataflow.settings import Settings
from dataflow.warehouse.lock import warehouse_lock
with warehouse_lock(Settings.load(Path(sys.argv[1])), purpose="load far.away"):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


@contextmanager
def another_process(house: House, seconds: float) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold the lock."""
    command = [sys.executable, "-c", HOLDER, str(house.root), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


def impatient(house: House, seconds: float = 0.2) -> House:
    house.settings = house.settings.model_copy(update={"lock_timeout": timedelta(seconds=seconds)})
    return house


def test_one_process_waits_for_another_and_tells_how_long(house: House, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with another_process(house, 0.9), warehouse_lock(house.settings, purpose="load shop.orders") as grant:
        waited = grant.waited_seconds

    assert 0.5 < waited < 10
    assert "to load shop.orders: waiting for warehouse.duckdb.lock, held by process" in caplog.messages[0]
    assert f"to load shop.orders: waited {waited:.1f} s for warehouse.duckdb.lock" == caplog.messages[1]


def test_a_free_lock_is_neither_waited_for_nor_logged(house: House, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    with warehouse_lock(house.settings, purpose="a") as grant:
        waited = grant.waited_seconds

    assert waited < 0.5
    assert [] == caplog.messages


def test_at_the_bound_the_error_names_the_holder_and_the_setting(house: House):
    with (
        another_process(impatient(house), 30) as holder,
        pytest.raises(LockTimeout) as caught,
        warehouse_lock(house.settings, purpose="load shop.orders"),
    ):
        pass

    text = str(caught.value)

    assert f"held by process {holder.pid} (load far.away) since " in text
    assert "raise DATAFLOW_LOCK_TIMEOUT" in text


def test_a_killed_holder_frees_the_lock(house: House):
    with another_process(impatient(house, 5), 600) as holder:
        os.kill(holder.pid, signal.SIGKILL)
        holder.wait()
        with warehouse_lock(house.settings, purpose="next"):
            signed = json.loads(house.settings.lock_file.read_text())

    assert (os.getpid(), "next") == (signed["pid"], signed["purpose"])


def test_the_lock_file_stays_and_is_blank_when_nobody_holds_it(house: House):
    with warehouse_lock(house.settings, purpose="a"):
        pass

    assert "" == house.settings.lock_file.read_text()


def test_a_process_never_waits_for_itself(house: House):
    settings = impatient(house).settings
    with warehouse_lock(settings, purpose="outer"), warehouse_lock(settings, purpose="inner"):
        hold_for_process(settings.lock_file, timeout=timedelta(0), purpose="dbt", log=logging.getLogger())
        let_go_for_process(settings.lock_file)
        outer = json.loads(settings.lock_file.read_text())["purpose"]

    assert "outer" == outer
    assert "" == settings.lock_file.read_text()


def test_threads_of_one_process_take_turns(house: House):
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        with warehouse_lock(house.settings, purpose="thread"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.02)
            inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 1 == most


def test_a_thread_that_waits_in_vain_says_who_holds_it(house: House):
    errors: list[LockTimeout] = []

    def enter() -> None:
        try:
            with warehouse_lock(house.settings, purpose="thread"):
                pass
        except LockTimeout as error:
            errors.append(error)

    with warehouse_lock(impatient(house).settings, purpose="load shop.orders"):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()

    assert f"process {os.getpid()} (load shop.orders)" in str(errors[0])


def test_threads_work_within_what_dbt_holds_and_keep_it_from_others(house: House):
    settings = impatient(house).settings
    hold_for_process(settings.lock_file, timeout=timedelta(0), purpose="run dbt", log=logging.getLogger())
    entered = threading.Event()

    def enter() -> None:
        with warehouse_lock(settings, purpose="stamp"):
            entered.set()

    with warehouse_lock(settings, purpose="outer"):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        let_go_for_process(settings.lock_file)
        still_held = settings.lock_file.read_text()

    assert entered.is_set()
    assert "run dbt" in still_held
    assert "" == settings.lock_file.read_text()


def in_a_fork(work: Callable[[], object]) -> int:
    """Run the work in a fork of this process; give its exit code: 0 if it returned."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException as error:  # noqa: BLE001 - a fork must never return into pytest
            os.write(2, f"in the fork: {error!r}\n".encode())
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_fork_does_not_hold_what_its_parent_holds(house: House):
    settings = impatient(house).settings

    def wait_in_vain() -> None:
        with pytest.raises(LockTimeout), warehouse_lock(settings, purpose="fork"):
            pass

    with warehouse_lock(settings, purpose="parent"):
        code = in_a_fork(wait_in_vain)
        held_by_parent = settings.lock_file.read_text()

    assert 0 == code
    assert "parent" in held_by_parent


def test_a_fork_that_outlives_its_killed_parent_does_not_keep_the_lock(house: House, tmp_path: Path):
    program = HOLDER.replace(
        'print("held", flush=True)', "import os\n    os.write(1, b'held\\n' if os.fork() else b'0\\n')"
    )
    command = [sys.executable, "-c", program, str(house.root), "30"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as parent:
        assert parent.stdout is not None
        said = {parent.stdout.readline(), parent.stdout.readline()}
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        try:
            with warehouse_lock(impatient(house, 5).settings, purpose="next") as grant:
                waited = grant.waited_seconds
        finally:
            os.killpg(parent.pid, signal.SIGKILL)

    assert {"held\n", "0\n"} == said
    assert waited < 5


def test_a_fork_that_leaves_its_parents_block_frees_nothing(house: House):
    with warehouse_lock(impatient(house).settings, purpose="parent"):
        program = warehouse_lock(house.settings, purpose="nested")
        program.__enter__()
        code = in_a_fork(lambda: program.__exit__(None, None, None))
        program.__exit__(None, None, None)
        with subprocess.Popen([sys.executable, "-c", HOLDER, str(house.root), "0"], stdout=subprocess.PIPE) as other:
            time.sleep(1)
            assert other.stdout is not None
            os.set_blocking(other.stdout.fileno(), False)
            entered = other.stdout.read()
            other.kill()

    assert 0 == code
    assert not entered

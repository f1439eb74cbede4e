from __future__ import annotations

import os
import signal
import sys
import threading
import time

import psutil
import pytest

from dataflow.errors import ServiceError
from dataflow.service.processes import Programs, Stopped


def python(source):
    return [sys.executable, "-c", source]


@pytest.fixture
def programs(tmp_path):
    return Programs(os.environ, tmp_path, tmp_path / "logs")


def test_a_program_that_ends_is_told_with_its_log_and_last_lines(programs):
    with programs:
        programs.start("scheduler", python("print('no such table'); raise SystemExit(3)"))
        with pytest.raises(ServiceError) as caught:
            programs.pause(20)

    assert str(caught.value).startswith("scheduler ended with exit code 3; its log: ")
    assert str(caught.value).endswith("scheduler.log\n    no such table")


def test_a_step_that_fails_is_told_and_one_that_succeeds_gives_its_log(programs):
    with programs:
        assert "done\n" == programs.run("good", python("print('done')")).read_text()
        with pytest.raises(ServiceError, match="bad ended with exit code 1"):
            programs.run("bad", python("raise SystemExit('no')"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_told_within_a_moment_and_every_program_ends(programs, number):
    before = signal.getsignal(number)
    with programs:
        guards = [programs.start(name, python("import time; time.sleep(600)")).process.pid for name in "ab"]
        family = [child for pid in guards for child in (psutil.Process(pid), *wait_for_children(pid))]
        threading.Timer(0.3, os.kill, (os.getpid(), number)).start()
        began = time.monotonic()
        with pytest.raises(Stopped):
            programs.pause(60)
        assert time.monotonic() - began < 5

    assert len(family) == 4
    assert not any(process.is_running() for process in family)
    assert before == signal.getsignal(number)


def test_a_signal_ends_a_step_that_is_under_way(programs):
    of_others = set(psutil.Process().children())
    with programs:
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGTERM)).start()
        with pytest.raises(Stopped):
            programs.run("long", python("import time; time.sleep(600)"))

    assert of_others >= set(psutil.Process().children())


def test_the_log_of_the_time_before_is_kept(programs, tmp_path):
    with programs:
        programs.run("step", python("print('first')"))
        programs.run("step", python("print('second')"))

    assert "second\n" == (tmp_path / "logs" / "step.log").read_text()
    assert "first\n" == (tmp_path / "logs" / "step.log.1").read_text()


def wait_for_children(pid):
    end = time.monotonic() + 10
    while not (children := psutil.Process(pid).children()) and time.monotonic() < end:
        time.sleep(0.05)
    return children

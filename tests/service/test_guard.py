"""Real processes: whatever happens to whom, nothing is left."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import uuid

import psutil
import pytest

from dataflow.service import guard

pytestmark = pytest.mark.slow

FAMILY = """
import os, subprocess, sys, time
mark = sys.argv[1]
child = "import os, time; os.setsid(); time.sleep(600)"
stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
orphan = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)', sys.argv[1]])"
for source in (child, stubborn, orphan):
    subprocess.Popen([sys.executable, "-c", source, mark])
time.sleep(0.7)
print("up", flush=True)
time.sleep(float(sys.argv[2]))
sys.exit(7)
"""
"""A program with a child in a session of its own, one that ignores SIGTERM, and a grandchild that lost its parent."""


def marked(mark):
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if mark in (process.info["cmdline"] or []) and process.info["status"] != psutil.STATUS_ZOMBIE
    ]


def none_left(mark, *, seconds):
    end = time.monotonic() + seconds
    while left := marked(mark):
        if time.monotonic() > end:
            for process in left:
                process.kill()
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def family():
    """A guarded family that is up, and its mark."""
    started = []

    def start(seconds="600", source=FAMILY):
        mark = uuid.uuid4().hex
        command = [sys.executable, "-I", guard.__file__, sys.executable, "-c", source, mark, seconds]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        assert process.stdout.readline() == b"up\n"
        assert len(marked(mark)) >= 4  # without the guard: the program, and its three
        started.append(process)
        return process, mark

    yield start
    for process in started:
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_to_the_guard_ends_the_whole_family(family, number):
    process, mark = family()

    process.send_signal(number)

    assert 128 + signal.SIGTERM == process.wait(20)
    assert none_left(mark, seconds=0)


def test_the_end_of_the_program_ends_what_it_left_and_its_exit_code_is_kept(family):
    process, mark = family("0.1")

    assert 7 == process.wait(20)
    assert none_left(mark, seconds=0)


def test_when_the_starter_is_gone_the_family_ends(family):
    """Its end of the pipe closes, however it went: ``kill -9`` too."""
    process, mark = family()

    process.stdin.close()

    process.wait(20)
    assert none_left(mark, seconds=0)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's help is Linux's")
def test_when_the_guard_itself_is_killed_the_program_goes_with_it(family):
    process, mark = family()
    program = next(child for child in psutil.Process(process.pid).children() if FAMILY in child.cmdline())

    process.kill()

    program.wait(10)
    for left in marked(mark):  # its children are nobody's then, which is why guards are not killed
        left.kill()


def test_a_program_that_ignores_sigterm_is_killed(family):
    source = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + FAMILY
    process, mark = family(source=source)

    process.terminate()

    assert 128 + signal.SIGKILL == process.wait(20)
    assert none_left(mark, seconds=0)

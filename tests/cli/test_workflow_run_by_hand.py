"""A run that prints, and one that Ctrl-C ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

from kit.program import Program
from kit.project import DAILY, Project

ROWS = '''import os
import sys
import time


def events(ctx):
    """Give one row, and print."""
    print("read by hand")
    sys.stdout.write("and more\\n")
    os.system("echo from a program")
    time.sleep({seconds})
    return [{{"a": 1}}]
'''
CONFIG = {**DAILY, "sources": {"events": {"type": "python", "columns": {"a": "BIGINT"}}}}


def test_what_a_function_prints_is_not_in_the_json(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", CONFIG, ingestion=ROWS.format(seconds=0))

    answer = dataflow("workflow", "run", "events", "--window", "2025-01-05", "--json")

    assert "success" == json.loads(answer.out)["status"]
    for printed in ("read by hand", "and more", "from a program"):
        assert printed in answer.err


def test_ctrl_c_says_which_run_it_ended(project: Project, dataflow: Program) -> None:
    project.write_workflow("events", CONFIG, ingestion=ROWS.format(seconds=60))
    command = [sys.executable, "-m", "dataflow", "workflow", "run", "events", "--live", "--window", "2025-01-05"]
    run = subprocess.Popen(
        command,
        cwd=project.root,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    while not (rows := dataflow("runs", "list", "--json").json):
        time.sleep(0.1)
    time.sleep(1)

    run.send_signal(signal.SIGINT)
    _, said = run.communicate(timeout=60)

    assert 130 == run.returncode
    assert f"events was stopped by hand; run {rows[0]['run']} ended at ingest.events" in said
    assert "FAILED" == dataflow("runs", "list", "--json").json[0]["status"]

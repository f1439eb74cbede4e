"""One task of a run in a process of its own: ``python one_task.py ROOT WORKFLOW TASK OUTPUTS``.

What it returned is added to the file of outputs; printed are its rows and the most memory that the process took.
"""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dataflow.interval import Interval
from dataflow.loading.load import load_workflow
from dataflow.runtime.request import RunRequest
from dataflow.runtime.run import run_task
from dataflow.settings import Settings

DAY = datetime(2025, 1, 1, tzinfo=UTC)


def main() -> None:
    root, name, task_id, file = Path(sys.argv[1]), sys.argv[2], sys.argv[3], Path(sys.argv[4])
    outputs = json.loads(file.read_text()) if file.exists() else {}
    workflow = load_workflow(root, name)
    request = RunRequest(
        workflow=name,
        run_id="run",
        kind="manual",
        run_after=DAY,
        interval=None,
        partition_key=None,
        partition=None,
        params={},
        task_id=task_id,
        try_number=1,
        output=outputs.get,
        state_of=lambda _: "running",
        log=logging.getLogger("one_task"),
        window=Interval(DAY, DAY + timedelta(days=1)),
        engine="local",
    )
    task = next(task for task in workflow.plan.tasks if task.id == task_id)
    outcome = run_task(workflow, task, request, settings=Settings.load(root))
    file.write_text(json.dumps(outputs | {task_id: outcome.output}))
    print(json.dumps({"rows": outcome.rows, "peak_mb": peak_mb()}))


def peak_mb() -> float:
    # Not `getrusage`: that counts what the process was before it became this program.
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()

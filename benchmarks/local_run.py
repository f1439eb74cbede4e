"""From the prompt to done: `dataflow workflow run weather` beside `airflow dags test weather` of the same workflow.

    python benchmarks/local_run.py [--rounds 3]

Both run the same tasks of the same month here, in a project of their own, on real data and with dbt; both have their
databases and dbt's manifest beforehand, so that only the run is measured. Ours first empties its sandbox, as always;
Airflow's goes on the project's own warehouse. The figures are of the whole program, with every process it started.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from shop_configs import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tests"))

from dataflow.service.processes import python_module
from kit.airflow_home import AirflowHome
from kit.project import Project

NAME = "weather"
PROGRAMS = {
    "dataflow workflow run": ("dataflow", "workflow", "run", NAME, "--window", "2012-01-01/2012-02-01"),
    "airflow dags test": ("airflow", "dags", "test", NAME, "2012-02-01"),
}


@dataclass(frozen=True)
class Cost:
    """Of one program from its start to its end."""

    wall: float
    cpu: float


def main() -> None:
    """Run both in turn and print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataflow-local-") as folder:
        project = Project(Path(folder, "project"), dbt=True)
        shutil.copytree(REPOSITORY / "include" / "workflows" / NAME, project.folder(NAME))
        shutil.copytree(REPOSITORY / "dbt" / "models" / NAME, project.root / "dbt" / "models" / NAME)
        home = AirflowHome(project, Path(folder, "home"))
        home.prepare()
        home.command("airflow", "dags", "reserialize")
        costs = {title: [] for title in PROGRAMS}
        for _ in range(given.rounds):
            for title, words in PROGRAMS.items():
                costs[title].append(cost_of(words, home))
    wall = {title: min(cost.wall for cost in each) for title, each in costs.items()}
    cpu = {title: min(cost.cpu for cost in each) for title, each in costs.items()}
    print("| | wall seconds | CPU seconds |\n| --- | --- | --- |")
    for title in PROGRAMS:
        print(f"| `{title} {NAME}` | {wall[title]:.1f} | {cpu[title]:.1f} |")
    ours, theirs = PROGRAMS
    print(f"| ratio | {wall[theirs] / wall[ours]:.1f} | {cpu[theirs] / cpu[ours]:.1f} |")


def cost_of(words: tuple[str, ...], home: AirflowHome) -> Cost:
    """Run a program to its end, which must be success, and give what it took."""
    before, began = getrusage(RUSAGE_CHILDREN), time.monotonic()
    environment = {**home.environment, "PATH": os.environ["PATH"]}
    done = subprocess.run(
        python_module(*words), env=environment, cwd=home.project.root, capture_output=True, text=True, check=False
    )
    wall, after = time.monotonic() - began, getrusage(RUSAGE_CHILDREN)
    said = done.stdout + done.stderr
    if done.returncode or "DagRunState.FAILED" in said or "state=failed" in said:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}:\n{said[-5000:]}")
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()

"""What Airflow and Cosmos add to dbt: the dbt group of `shop` beside a bare `dbt build` of the same models.

    python benchmarks/dbt_run.py [--rounds 2]

A real Airflow (SQLite, LocalExecutor, four tasks at once) runs the workflow; the group's time goes from the first start
of one of its tasks to the last end. The bare build runs on the same warehouse afterwards, in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from shop_configs import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tests"))

from dataflow.modelling.environment import dbt_environment, run_environment
from kit.airflow_home import AirflowHome
from kit.project import Project

NAME = "shop"


def main() -> None:
    """Run both sides and print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataflow-dbt-") as folder:
        project = Project(Path(folder, "project"), dbt=True)
        shutil.copytree(REPOSITORY / "include" / "workflows" / NAME, project.folder(NAME))
        shutil.copytree(REPOSITORY / "dbt" / "models" / NAME, project.root / "dbt" / "models" / NAME)
        with AirflowHome(project, Path(folder, "home")) as airflow:
            airflow.prepare()
            airflow.start("api-server", "scheduler", "dag-processor", "triggerer")
            airflow.wait_for_dag(NAME)
            groups = [group_seconds(airflow) for _ in range(given.rounds)]
        bare = [bare_seconds(project) for _ in range(given.rounds)]
    print("| | wall seconds, least of the rounds |\n| --- | --- |")
    print(f"| dbt group of `{NAME}` under Airflow | {min(groups):.1f} |")
    print(f"| bare `dbt build` | {min(bare):.1f} |")
    print(f"| ratio | {min(groups) / min(bare):.2f} |")


def group_seconds(airflow: AirflowHome) -> float:
    """Run the workflow to success and give the wall seconds of its dbt group."""
    run = airflow.run(NAME)
    assert run["state"] == "success", airflow.failures(NAME, run["dag_run_id"])
    answer = airflow.api.get(f"/dags/{NAME}/dagRuns/{run['dag_run_id']}/taskInstances")
    tasks = [task for task in answer["task_instances"] if task["task_id"].startswith("dbt.")]
    began = min(datetime.fromisoformat(task["start_date"]) for task in tasks)
    ended = max(datetime.fromisoformat(task["end_date"]) for task in tasks)
    return (ended - began).total_seconds()


def bare_seconds(project: Project) -> float:
    """Build the same models with dbt's own program."""
    settings = project.settings()
    environment = {**os.environ, **dbt_environment(settings, project.workflow(NAME)), **run_environment("bare")}
    dbt = Path(sys.executable).with_name("dbt")
    began = time.monotonic()
    subprocess.run(
        [dbt, "build", "--project-dir", settings.dbt_project, "--profiles-dir", settings.dbt_project],
        env=environment,
        check=True,
        stdout=sys.stderr,
    )
    return time.monotonic() - began


if __name__ == "__main__":
    main()

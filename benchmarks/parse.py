"""How long a parse takes: 1,000 workflows of 20 lines beside 1,000 plain Airflow DAGs of the same shape.

    python benchmarks/parse.py [--workflows 1000] [--rounds 5]

Both sides build the same groups, tasks, ids, order, schedule, owner, tags and retries; the plain side is one loop in
one file, which is as little as Airflow can be asked. Each measure runs in a fresh interpreter, the two sides in turn,
and the least of all rounds counts. Cold is the first build of a process; warm is the best of three later ones.
Seconds are CPU seconds, so that a busy machine shows less in them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from shop_configs import AT_TWO_IN_BERLIN, HEAD, ORDERS, REPOSITORY, RETRIES, clean_environment, write_configs

CONFIG = f"""\
{HEAD}{AT_TWO_IN_BERLIN}{RETRIES}{ORDERS}\
validate:
  orders:
    - not_null: order_id
"""

PLAIN = '''\
"""Plain Airflow dag file."""
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from airflow.providers.standard.operators.python import PythonOperator
from airflow.sdk import DAG, CronDataIntervalTimetable, TaskGroup


def work(**context):
    return {{}}


for number in range({workflows}):
    with DAG(
        f"shop_{{number:04}}",
        dag_display_name=f"Orders of shop {{number:04}}",
        description="Made-up orders, one batch a day.",
        tags=["benchmark", "daily"],
        schedule=CronDataIntervalTimetable("0 2 * * *", timezone="Europe/Berlin"),
        start_date=datetime(2025, 1, 1, tzinfo=ZoneInfo("Europe/Berlin")),
        catchup=False,
        max_active_runs=1,
        default_args={{"owner": "benchmarks", "retries": 3, "retry_delay": timedelta(minutes=2)}},
    ) as dag:
        with TaskGroup("ingest"):
            ingest = PythonOperator(task_id="orders", python_callable=work)
        with TaskGroup("validate"):
            validate = PythonOperator(task_id="orders", python_callable=work)
        with TaskGroup("transform"):
            transform = PythonOperator(task_id="orders", python_callable=work)
        publish = PythonOperator(task_id="publish", python_callable=work)
        ingest >> validate >> transform >> publish
    globals()[dag.dag_id] = dag
'''


def main() -> None:
    """Measure and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--workflows", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--measure", choices=["ours", "plain", "load", "task"], help=argparse.SUPPRESS)
    arguments.add_argument("--project", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.project)))
        return
    with tempfile.TemporaryDirectory(prefix="dataflow-parse-") as folder:
        many, one = Path(folder, "many"), Path(folder, "one")
        write_project(many, workflows=given.workflows)
        write_project(one, workflows=1)
        sides = {"plain": many, "ours": many, "load": many, "task": many, "task, one workflow": one}
        best: dict[str, dict[str, float]] = {side: {} for side in sides}
        for _ in range(given.rounds):
            for side, project in sides.items():
                for name, seconds in in_fresh_interpreter(side.split(",")[0], project).items():
                    best[side][name] = min(seconds, best[side].get(name, seconds))
    show(best, workflows=given.workflows)


def write_project(root: Path, *, workflows: int) -> None:
    """Write the configs, and the plain DAG file of the same shape."""
    write_configs(root, workflows, lambda number: CONFIG.format(number=number))
    dags = root / "dags"
    dags.mkdir()
    (dags / "workflows.py").write_bytes((REPOSITORY / "dags" / "workflows.py").read_bytes())
    (root / "plain.py").write_text(PLAIN.format(workflows=workflows), encoding="utf-8")


def in_fresh_interpreter(side: str, project: Path) -> dict[str, float]:
    """Run one measure in a process of its own."""
    environment = {
        **clean_environment(),
        "AIRFLOW_HOME": str(project.parent / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    }
    done = subprocess.run(
        [sys.executable, __file__, "--measure", side, "--project", str(project)],
        env=environment,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{side} ended with {done.returncode}:\n{done.stderr}")
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measure(side: str, project: Path) -> dict[str, float]:
    """Give CPU seconds of a side, by what they went to."""
    times: dict[str, float] = {}
    with Stopwatch(times, "import of Airflow"):
        from airflow.providers.standard.operators.python import PythonOperator  # noqa: F401
        from airflow.sdk import DAG, CronDataIntervalTimetable, Param, TaskGroup  # noqa: F401
    if side == "task":
        measure_task_start(project, times)
    elif side == "load":
        measure_load(project, times)
    else:
        file = project / "plain.py" if side == "plain" else project / "dags" / "workflows.py"
        measure_build(file, times)
    return times


def measure_build(file: Path, times: dict[str, float]) -> None:
    """Execute a DAG file as Airflow does, again and again, then serialize what it made."""
    from airflow.serialization.serialized_objects import DagSerialization

    code = file.read_text(encoding="utf-8")
    with Stopwatch(times, "cold"):
        made = execute(code, file)
    for _ in range(3):
        with Stopwatch(times, "warm"):
            made = execute(code, file)
    DagSerialization.to_dict(made[0])
    with Stopwatch(times, "serialization"):
        for dag in made:
            DagSerialization.to_dict(dag)
    times["dags"] = len(made)


def execute(code: str, file: Path) -> list[Any]:
    """Run the file's text and give its DAGs."""
    from airflow.sdk import DAG

    module: dict[str, Any] = {"__name__": "measured", "__file__": str(file)}
    exec(compile(code, str(file), "exec"), module)
    return list({value.dag_id: value for value in module.values() if isinstance(value, DAG)}.values())


def measure_load(project: Path, times: dict[str, float]) -> None:
    """Read the configs, without Airflow."""
    from dataflow.registry import load_registry

    with Stopwatch(times, "cold"):
        load_registry(project)
    for _ in range(3):
        with Stopwatch(times, "warm"):
            load_registry(project)


def measure_task_start(project: Path, times: dict[str, float]) -> None:
    """Parse as a task process does, which is told its DAG and task."""
    from airflow.sdk.definitions._internal.dag_parsing_context import _airflow_parsing_context_manager

    file = project / "dags" / "workflows.py"
    with (
        _airflow_parsing_context_manager(dag_id="shop_0000", task_id="publish"),
        Stopwatch(times, "cold"),
    ):
        made = execute(file.read_text(encoding="utf-8"), file)
    times["dags"] = len(made)


class Stopwatch:
    """Adds the CPU seconds of its block to a mapping; the least of several blocks of one name counts."""

    def __init__(self, times: dict[str, float], name: str) -> None:
        self.times, self.name = times, name

    def __enter__(self) -> None:
        self.began = time.process_time()

    def __exit__(self, *_: object) -> None:
        seconds = time.process_time() - self.began
        self.times[self.name] = min(seconds, self.times.get(self.name, seconds))


def show(best: dict[str, dict[str, float]], *, workflows: int) -> None:
    """Print what was measured, as rows of a Markdown table."""
    plain, ours, load = best["plain"], best["ours"], best["load"]
    assert plain["dags"] == ours["dags"] == workflows, "both sides make as many DAGs"
    print(f"{workflows} workflows, CPU milliseconds for each\n")
    print("| | plain Airflow | dataflow | ratio |\n| --- | --- | --- | --- |")
    for name in ("cold", "warm", "serialization"):
        a, b = plain[name] / workflows * 1000, ours[name] / workflows * 1000
        print(f"| {name} | {a:.2f} | {b:.2f} | {b / a:.2f} |")
    print(f"| of which reading configs, warm | | {load['warm'] / workflows * 1000:.2f} | |")
    print(f"\nImport of Airflow, once a process, on both sides: {plain['import of Airflow']:.2f} s")
    many, one = best["task"]["cold"], best["task, one workflow"]["cold"]
    print(f"Task start, its parse: {many:.3f} s beside {workflows} workflows, {one:.3f} s alone ({many / one:.2f} x)")


if __name__ == "__main__":
    main()

"""How long a parse takes beside other makers of DAGs from YAML: dag-factory and airflow-blueprint.

    python benchmarks/peers.py [--workflows 1000] [--rounds 3] [--environments FOLDER]

Each peer is installed into a virtual environment of its own, with the Airflow of ours and the same versions of what a
parse spends its time in. Each is used as its documentation shows: dag-factory reads a YAML file a DAG with
`load_yaml_dags`, blueprint composes templates in Python by a YAML file a DAG with `build_all_airflow_dags`, and ours
reads a config a workflow in `dags/workflows.py`. All make the same groups, tasks, order, schedule, start, owner, tags,
retries and params, which is looked at before anything is measured. Seconds are CPU seconds, of a fresh interpreter for
each measure, the sides in turn, and the least of all rounds counts.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from parse import Stopwatch, execute, measure_build
from peer_projects import PROJECTS
from shop_configs import REPOSITORY

AIRFLOW = "3.3.2"
PEERS = {"dag-factory": "1.1.0", "airflow-blueprint": "0.5.0"}
ALIKE = ("apache-airflow-core", "apache-airflow-task-sdk", "apache-airflow-providers-standard", "attrs", "croniter")
ALIKE += ("jinja2", "jsonschema", "msgspec", "pendulum", "pydantic", "pydantic-core", "pyyaml", "structlog")
"""What a parse spends its time in: of the versions in our lock, on every side. The rest is what pip resolves."""

SHAPE = {"tasks": 4, "groups": 3, "edges": 3, "params": 3, "retries": 3, "retry_delay": 120.0, "cron": "0 2 * * *"}
SHAPE |= {"owner": "benchmarks", "start": "2025-01-01", "title": "Orders of shop 0000", "catchup": False, "runs": 1}


def main() -> None:
    """Install the peers, measure, and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--workflows", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--environments", type=Path, default=REPOSITORY / ".dataflow" / "peers")
    arguments.add_argument("--measure", choices=["shape", "parse", "build"], help=argparse.SUPPRESS)
    arguments.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.measure:
        print(json.dumps(MEASURES[given.measure](given.file)))
        return
    pythons = {"dataflow": Path(sys.executable)}
    pythons |= {peer: environment_of(peer, given.environments.resolve()) for peer in PEERS}
    with tempfile.TemporaryDirectory(prefix="dataflow-peers-") as folder:
        files = {side: write(Path(folder, side), given.workflows) for side, write in PROJECTS.items()}
        for side, file in files.items():
            shape = in_fresh_interpreter("shape", pythons[side], file)
            assert shape == SHAPE | {"dags": given.workflows}, f"{side} makes something else: {shape}"
        best: dict[str, dict[str, float]] = {side: {} for side in files}
        for _ in range(given.rounds):
            for side, file in files.items():
                for measure in ("parse", "build"):
                    for name, seconds in in_fresh_interpreter(measure, pythons[side], file).items():
                        best[side][name] = min(seconds, best[side].get(name, seconds))
    show(best, workflows=given.workflows)


def environment_of(peer: str, folder: Path) -> Path:
    """Make the virtual environment of a peer where there is none yet, and give its Python."""
    home = folder / f"{peer}-{PEERS[peer]}"
    python, made = home / "bin" / "python", home / "made"
    if not made.exists():
        print(f"Installing {peer} {PEERS[peer]} into {home} ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        lock = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8")
        pins = [pin for pin in re.findall(r"^([a-z0-9-]+==[^ \\]+)", lock, re.MULTILINE) if pin.split("==")[0] in ALIKE]
        wanted = [f"{peer}=={PEERS[peer]}", f"apache-airflow=={AIRFLOW}"]
        constraints = home / "constraints.txt"
        constraints.write_text("\n".join(pins), encoding="utf-8")
        install = [str(python), "-m", "pip", "install", "--quiet", "--constraint", str(constraints), *wanted]
        subprocess.run(install, check=True)
        made.touch()
    return python


def in_fresh_interpreter(measure: str, python: Path, file: Path) -> dict[str, Any]:
    """Run one measure in a process of its own, with the side's own Python."""
    ours = ("DATAFLOW_", "AIRFLOW", "PYTHON", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {
        "AIRFLOW_HOME": str(file.parents[1] / "home"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(file.parent),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "DATAFLOW_MAINTENANCE": "off",  # workflows are counted
        "DO_NOT_TRACK": "1",
    }
    command = [str(python), __file__, "--measure", measure, "--file", str(file)]
    done = subprocess.run(command, env=environment, cwd=file.parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{file} ended with {done.returncode}:\n{done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measure_shape(file: Path) -> dict[str, Any]:
    """Give what a side made: how many DAGs, and how the first of them looks once Airflow has serialized it."""
    from airflow.serialization.serialized_objects import DagSerialization

    made = make(file)
    dag = min(made, key=lambda each: str(each.dag_id))
    assert DagSerialization.to_dict(dag)
    return {
        "dags": len(made),
        "tasks": len(dag.tasks),
        "groups": len(dag.task_group.get_task_group_dict()) - 1,
        "edges": sum(len(task.downstream_task_ids) for task in dag.tasks),
        "params": len(dag.params),
        "retries": only(task.retries for task in dag.tasks),
        "retry_delay": only(task.retry_delay.total_seconds() for task in dag.tasks),
        "owner": only(task.owner for task in dag.tasks),
        "cron": dag.timetable.expression,
        "start": f"{dag.start_date:%Y-%m-%d}",
        "title": dag.dag_display_name,
        "catchup": dag.catchup,
        "runs": dag.max_active_runs,
    }


def only(values: Any) -> Any:
    """Give the one value that all have."""
    [value] = set(values)
    return value


def measure_parse(file: Path) -> dict[str, float]:
    """Parse once, and give what the whole process used: its start, every import and every DAG."""
    dags = len(make(file))
    return {"parse": time.process_time(), "dags": dags}


def measure_all(file: Path) -> dict[str, float]:
    """Build cold and warm, then serialize, Airflow being imported before."""
    times: dict[str, float] = {}
    with Stopwatch(times, "import of Airflow"):
        from airflow.providers.standard.operators.python import PythonOperator  # noqa: F401
        from airflow.sdk import DAG, CronDataIntervalTimetable, Param, TaskGroup  # noqa: F401
    see_the_folder(file)
    measure_build(file, times)
    return times


MEASURES = {"shape": measure_shape, "parse": measure_parse, "build": measure_all}


def make(file: Path) -> list[Any]:
    """Execute a DAG file as Airflow does, and give its DAGs."""
    see_the_folder(file)
    return execute(file.read_text(encoding="utf-8"), file)


def see_the_folder(file: Path) -> None:
    """Let modules beside the DAG file be imported, as Airflow does."""
    sys.path.insert(0, str(file.parent))


def show(best: dict[str, dict[str, float]], *, workflows: int) -> None:
    """Print what was measured, as rows of a Markdown table."""
    ours = best["dataflow"]
    print(f"{workflows} workflows, CPU milliseconds for each\n")
    print(f"| | {' | '.join(best)} |\n| --- |{' --- |' * len(best)}")
    for name, text in (
        ("cold", "building, cold"),
        ("warm", "building, warm"),
        ("serialization", "serialization"),
        ("parse", "the whole parse in a fresh interpreter"),
    ):
        cells = [f"{times[name] / workflows * 1000:.2f} ({times[name] / ours[name]:.1f} x)" for times in best.values()]
        print(f"| {text} | {' | '.join(cells)} |")
    imports = ", ".join(f"{side} {times['import of Airflow']:.2f} s" for side, times in best.items())
    print(f"\nImport of Airflow, once a process: {imports}")


if __name__ == "__main__":
    main()

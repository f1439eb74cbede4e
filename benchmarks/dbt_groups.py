"""What dbt groups cost a parse: 200 workflows of 20 models, each with two tests.

    python benchmarks/dbt_groups.py [--workflows 200] [--rounds 3]

The models are compiled once; then `dags/workflows.py` is executed with a quarter, half and all of the workflows, each
in a fresh interpreter, and the CPU time of a workflow is told for each number: it must not grow with the house.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from parse import Stopwatch, execute
from shop_configs import REPOSITORY, clean_environment

MODELS = 20
CONFIG = "description: Made-up orders.\nowner: benchmarks\nschedule: '@daily'\nstart_date: 2025-01-01\n"
CONFIG += "sources: {orders: {type: mock, columns: {order_id: BIGINT, amount: 'DECIMAL(12,2)'}}}\n"


def main() -> None:
    """Write the project, compile it, measure it, and print a Markdown table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workflows", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", type=Path)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure)))
        return
    with tempfile.TemporaryDirectory(prefix="dataflow-groups-") as folder:
        numbers = [given.workflows // 4, given.workflows // 2, given.workflows]
        whole = Path(folder, "project")
        write_project(whole, workflows=given.workflows)
        compile_project(whole)
        print("| workflows | build, ms each | serialization, ms each |\n| --- | --- | --- |")
        for number in numbers:
            project = part_of(whole, Path(folder, str(number)), workflows=number)
            rounds = [in_fresh_interpreter(project) for _ in range(given.rounds)]
            assert all(found["dags"] == number for found in rounds), f"all {number} workflows became DAGs"
            build, serialization = (min(found[name] for found in rounds) for name in ("build", "serialization"))
            print(f"| {number} | {build / number * 1000:.1f} | {serialization / number * 1000:.1f} |")


def write_project(root: Path, *, workflows: int) -> None:
    """Write configs, and 20 models in a chain of five for each, all tested twice."""
    shutil.copytree(REPOSITORY / "dbt", root / "dbt", ignore=shutil.ignore_patterns("target", "logs", "models"))
    (root / "dags").mkdir(parents=True)
    shutil.copy(REPOSITORY / "dags" / "workflows.py", root / "dags")
    for number in range(workflows):
        name = f"shop_{number:04}"
        folder, models = root / "include" / "workflows" / name, root / "dbt" / "models" / name
        folder.mkdir(parents=True)
        models.mkdir(parents=True)
        (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")
        listed = ["version: 2", "models:"]
        for model in range(MODELS):
            above = f"ref('m{model - 4}')" if model >= 4 else "source('staging', 'orders')"
            (models / f"m{model}.sql").write_text(f"select * from {{{{ {above} }}}}\n", encoding="utf-8")
            listed += [f"  - name: m{model}", "    columns: [{name: order_id, data_tests: [not_null, unique]}]"]
        (models / "models.yml").write_text("\n".join(listed) + "\n", encoding="utf-8")


def compile_project(root: Path) -> None:
    """Compile every workflow's manifest, as `dataflow dbt compile` does."""
    subprocess.run([sys.executable, "-m", "dataflow", "dbt", "compile"], cwd=root, check=True, stdout=sys.stderr)


def part_of(whole: Path, part: Path, *, workflows: int) -> Path:
    """Give the project with its first workflows alone."""
    shutil.copytree(whole, part)
    for folder in sorted((part / "include" / "workflows").iterdir())[workflows:]:
        shutil.rmtree(folder)
    return part


def in_fresh_interpreter(project: Path) -> dict[str, float]:
    """Run one measure in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", str(project)],
        env=clean_environment() | {"AIRFLOW_HOME": str(project.parent / "home")},
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    )
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measure(project: Path) -> dict[str, float]:
    """Give CPU seconds of the build and of the serialization of every DAG."""
    from airflow.serialization.serialized_objects import DagSerialization

    times: dict[str, float] = {}
    file = project / "dags" / "workflows.py"
    code = file.read_text(encoding="utf-8")
    with Stopwatch(times, "build"):
        made = execute(code, file)
    with Stopwatch(times, "serialization"):
        for dag in made:
            DagSerialization.to_dict(dag)
    return {**times, "dags": len(made)}


if __name__ == "__main__":
    main()

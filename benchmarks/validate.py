"""How long `dataflow config validate` takes over 1,000 workflows, deep checks included.

    python benchmarks/validate.py [--workflows 1000] [--rounds 3]

Cold is the whole program in a process of its own, from its start to its exit, with nothing of Python's or DuckDB's in
that process yet. Warm is the same check once more in a process that did it before, as a server or an editor would.
The least of all rounds counts; the aim is 5 s of the clock. CPU seconds are beside it, for a busy machine shows less in
them. A tenth of the workflows read what the
one before them publishes, so that neighbours are judged too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from shop_configs import AT_TWO_IN_BERLIN, HEAD, ORDERS, clean_environment, write_configs

LIMIT = 5.0

CONFIG = f"""\
{HEAD}{AT_TWO_IN_BERLIN}{ORDERS}\
      amount: "DECIMAL(12,2)"
      updated_at: TIMESTAMPTZ
{{more}}validate:
  orders:
    - not_null: order_id
    - accepted_values: {{{{column: status, values: [placed, shipped, returned]}}}}
    - range: {{{{column: amount, min: 0}}}}
      where: "status <> 'returned'"
    - sql: "select * from orders where amount > 1000000"
      name: amounts_are_plausible
transform:
  orders:
    - deduplicate: {{{{key: order_id, order_by: updated_at desc}}}}
    - derive: {{{{net: "amount / 1.19"}}}}
    - filter: "amount > 0"
load:
  orders: {{{{mode: merge, key: order_id, newest_by: updated_at}}}}
"""
NEIGHBOUR = "  others: {{type: published, table: shop_{before:04}.orders}}\n"

WARM = """\
import json, sys, time
from pathlib import Path
from dataflow.linting.lint import lint
from dataflow.registry import load_registry
from dataflow.settings import Settings
times = []
for _ in range(4):
    began = time.perf_counter(), time.process_time()
    settings = Settings.load(Path(sys.argv[1]))
    registry = load_registry(settings.project)
    problems = [*registry.problems, *lint(registry, settings, variables={})]
    times.append((time.perf_counter() - began[0], time.process_time() - began[1]))
    assert not problems, problems[:3]
print(json.dumps([min(each) for each in zip(*times[1:])]))
"""


def main() -> None:
    """Measure and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--workflows", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="dataflow-validate-") as folder:
        project = Path(folder)
        write_project(project, workflows=given.workflows)
        cold = least([cold_seconds(project) for _ in range(given.rounds)])
        warm = least([warm_seconds(project) for _ in range(given.rounds)])
    print(f"{given.workflows} workflows, seconds; the aim is {LIMIT:.0f}\n")
    print("| | seconds | CPU seconds | each, ms |\n| --- | --- | --- | --- |")
    for name, (seconds, cpu) in (("cold, the whole program", cold), ("warm, in the same process", warm)):
        print(f"| {name} | {seconds:.2f} | {cpu:.2f} | {seconds / given.workflows * 1000:.2f} |")


def least(rounds: list[tuple[float, float]]) -> tuple[float, float]:
    """Give the least of each of the two clocks."""
    return min(wall for wall, _ in rounds), min(cpu for _, cpu in rounds)


def write_project(root: Path, *, workflows: int) -> None:
    """Write the configs."""

    def config(number: int) -> str:
        more = NEIGHBOUR.format(before=number - 1) if number % 10 == 9 else ""
        return CONFIG.format(number=number, more=more)

    write_configs(root, workflows, config)


def cold_seconds(project: Path) -> tuple[float, float]:
    """Run the program as a person does."""
    began, before = time.perf_counter(), os.times()
    done = run(["-m", "dataflow", "config", "validate"], project)
    seconds, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    if "checked: no errors." not in done:
        raise SystemExit(f"the configs were to be sound:\n{done[:2000]}")
    return seconds, cpu


def warm_seconds(project: Path) -> tuple[float, float]:
    """Check again and again in one process."""
    wall, cpu = json.loads(run(["-c", WARM, str(project)], project).splitlines()[-1])
    return float(wall), float(cpu)


def run(arguments: list[str], project: Path) -> str:
    """Run Python with these arguments in the project, and give what it printed."""
    done = subprocess.run(
        [sys.executable, *arguments], env=clean_environment(), cwd=project, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


if __name__ == "__main__":
    main()

"""One ingest of ours beside a bare statement of DuckDB's: each in a process of its own, its CPU and its peak memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["BARE_SETUP", "Cost", "Side", "compare", "cost_of"]

BARE_SETUP = (
    "import duckdb\nfrom dataflow.duckdb_extensions import load_extension\n"
    "connection = duckdb.connect()\nconnection.execute(\"set TimeZone = 'UTC'\")\n"
)
MEASURED = """
import resource, sys
{imports}
started = resource.getrusage(resource.RUSAGE_SELF)
{work}
ended = resource.getrusage(resource.RUSAGE_SELF)
cpu = ended.ru_utime + ended.ru_stime - started.ru_utime - started.ru_stime
print("cost", cpu, ended.ru_maxrss / 1024)
"""
IMPORTS = "import duckdb, dataflow.sources.ingest, dataflow.sources.read_source"
INGEST = """
import json, logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from pydantic import TypeAdapter
from dataflow.interval import Interval
from dataflow.settings import Settings
from dataflow.sources.ingest import IngestRequest, ingest
from dataflow.spec.sources import Source
root = Path({root!r})
settings = Settings(project=root, landing=root / "landing", scratch=root / "scratch", published=root / "published")
day = datetime(2025, 1, 1, tzinfo=UTC)
ingest(IngestRequest(
    workflow="shop", table="orders", source=TypeAdapter(Source).validate_python(json.loads({source!r})), folder=root,
    window=Interval(day, day + timedelta(days=1)), cursor=None, run_id="run", try_number=1, settings=settings,
    log=logging.getLogger("benchmark"),
))
"""


@dataclass(frozen=True)
class Cost:
    """Of one process."""

    cpu: float
    """Seconds, imports left out."""
    peak_mb: float


@dataclass(frozen=True)
class Side:
    """Our side: a source, and a folder to work in."""

    source: dict[str, Any]
    folder: Path


def cost_of(work: str, *, imports: str = IMPORTS) -> Cost:
    """Run Python in a process of its own; what it imports first does not count."""
    program = MEASURED.format(imports=imports, work=work)
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, env=os.environ)
    _, cpu, peak = done.stdout.splitlines()[-1].split()
    return Cost(float(cpu), float(peak))


def ingest_cost(side: Side) -> Cost:
    """Ingest the source once, into a folder that is empty."""
    with tempfile.TemporaryDirectory(dir=side.folder) as root:
        return cost_of(INGEST.format(root=root, source=json.dumps(side.source)))


def compare(title: str, bare: str, side: Side, *, rounds: int) -> None:
    """Measure both, turn by turn, and print what they cost."""
    costs = [(cost_of(bare), ingest_cost(side)) for _ in range(rounds)]
    theirs, ours = (min((pair[place] for pair in costs), key=lambda cost: cost.cpu) for place in (0, 1))
    print(title)
    for name, cost in (("bare DuckDB", theirs), ("dataflow", ours)):
        print(f"  {name:12} {cost.cpu:6.2f} CPU s  {cost.peak_mb:6.0f} MB at most")
    print(f"  ratio        {ours.cpu / theirs.cpu:6.2f}, the aim is 1.5")

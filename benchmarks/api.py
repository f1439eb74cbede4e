"""What it costs to bring in the pages of an API: ours, bare httpx with DuckDB, and dlt's `rest_api`.

    python benchmarks/api.py [--pages 200] [--records 1000] [--rounds 3]

Each reads the same pages from a server in a process of its own and writes the same columns as Parquet. Bare is the
leanest that a person would write: pages to disk as they come, DuckDB's `read_json` over them, no retry, no check. CPU
seconds are those of the whole process, its imports included, and of the read alone; peak memory is of the whole. The
least of all rounds counts. The aims: at most 1.3 times bare, at least 5 times less than dlt.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

MOST_OF_BARE = 1.3
LEAST_OF_DLT = 5.0

SERVER = """\
import json, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
pages, records = map(int, sys.argv[1:])

def record(number):
    return {
        "order_id": number, "customer_id": number % 977, "status": "shipped", "amount": f"{number % 1000}.50",
        "contact": {"email": f"a{number}@example.com"}, "note": "left at the door",
        "updated_at": "2025-01-01T10:00:00Z",
    }

bodies = [json.dumps({"items": [record(page * records + n) for n in range(records)]}).encode() for page in range(pages)]
empty = b'{"items": []}'

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        page = int(parse_qs(urlsplit(self.path).query).get("page", ["1"])[0])
        body = bodies[page - 1] if page <= pages else empty
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_address[1], flush=True)
server.serve_forever()
"""

FRAME = """\
import json, resource, sys, time
from pathlib import Path
address, folder = sys.argv[1], Path(sys.argv[2])
{setup}
before = time.process_time()
rows = {call}
done = time.process_time()
print(json.dumps([rows, done, done - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024]))
"""

OURS = """\
import dataflow.http.client, dataflow.sources.api.asking, duckdb, httpx, msgspec
import logging
from datetime import UTC, datetime, timedelta
from dataflow.interval import Interval
from dataflow.settings import Settings
from dataflow.sources.ingest import IngestRequest, ingest
from dataflow.spec.sources import ApiSource
source = ApiSource.model_validate({
    "type": "api", "url": address + "/orders", "records": "items", "pagination": {"type": "page"},
    "columns": {
        "order_id": "BIGINT", "customer_id": "BIGINT", "status": "VARCHAR", "amount": "DECIMAL(12,2)",
        "email": {"type": "VARCHAR", "path": "contact.email"}, "updated_at": "TIMESTAMPTZ",
    },
})
day = datetime(2025, 1, 1, tzinfo=UTC)
request = IngestRequest(
    workflow="shop", table="orders", source=source, folder=folder, window=Interval(day, day + timedelta(days=1)),
    cursor=None, run_id="run", try_number=1, log=logging.getLogger("benchmark"),
    settings=Settings(
        project=folder, landing=folder / "landing", scratch=folder / "scratch", allowed_hosts="127.0.0.1"
    ),
)
"""

BARE = """\
import duckdb, httpx

def read():
    with httpx.Client() as client:
        for page in range(1, 1_000_000):
            answer = client.get(address + "/orders", params={"page": page})
            answer.raise_for_status()
            if answer.content == b'{"items": []}':
                break
            (folder / f"{page:06}.json").write_bytes(answer.content)
    columns = {
        "items": "STRUCT(order_id BIGINT, customer_id BIGINT, status VARCHAR, amount DECIMAL(12,2), "
        "contact STRUCT(email VARCHAR), updated_at TIMESTAMPTZ)[]"
    }
    query = (
        "select r.order_id, r.customer_id, r.status, r.amount, r.contact.email as email, r.updated_at from (select "
        f"unnest(items) as r from read_json('{folder}/*.json', columns={columns}, format='auto', auto_detect=false))"
    )
    duckdb.execute(f"copy ({query}) to '{folder}/orders.parquet'")
    return duckdb.execute(f"select count(*) from '{folder}/orders.parquet'").fetchone()[0]
"""

DLT = """\
import dlt
from dlt.sources.rest_api import rest_api_source
source = rest_api_source({
    "client": {
        "base_url": address,
        "paginator": {"type": "page_number", "base_page": 1, "total_path": None, "stop_after_empty_page": True},
    },
    "resources": [{"name": "orders", "endpoint": {"path": "/orders", "data_selector": "items"}}],
})
pipeline = dlt.pipeline(
    "orders", pipelines_dir=str(folder / "pipelines"), dataset_name="shop",
    destination=dlt.destinations.filesystem(bucket_url=(folder / "out").as_uri()),
)

def read():
    pipeline.run(source, loader_file_format="parquet")
    return pipeline.last_trace.last_normalize_info.row_counts["orders"]
"""

SIDES = {
    "dataflow, `type: api`": FRAME.format(setup=OURS, call="ingest(request).rows"),
    "bare httpx and DuckDB": FRAME.format(setup=BARE, call="read()"),
    "dlt `rest_api`": FRAME.format(setup=DLT, call="read()"),
}


def main() -> None:
    """Measure and print one table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--pages", type=int, default=200)
    arguments.add_argument("--records", type=int, default=1000)
    arguments.add_argument("--rounds", type=int, default=3)
    given = arguments.parse_args()
    with server(given.pages, given.records) as address:
        rounds = [{name: measured(code, address) for name, code in SIDES.items()} for _ in range(given.rounds)]
    least = {name: [min(each[name][index] for each in rounds) for index in range(4)] for name in SIDES}
    expected = given.pages * given.records
    if wrong := {name: rows for name, (rows, *_) in least.items() if rows != expected}:
        raise SystemExit(f"{expected} rows were to be read: {wrong}")
    print(f"{given.pages} pages of {given.records} records; least of {given.rounds} rounds\n")
    print("| | CPU seconds | of which the read | peak MB |\n| --- | --- | --- | --- |")
    for name, (_, whole, read, peak) in least.items():
        print(f"| {name} | {whole:.2f} | {read:.2f} | {peak:.0f} |")
    ours, bare, dlt = (values[2] for values in least.values())
    print(f"\nThe read: {ours / bare:.2f} x bare (aim: at most {MOST_OF_BARE}), ", end="")
    print(f"{dlt / ours:.1f} x less than dlt (aim: at least {LEAST_OF_DLT:.0f}).")


@contextmanager
def server(pages: int, records: int) -> Iterator[str]:
    """Serve the pages from another process."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(pages), str(records)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def measured(code: str, address: str) -> tuple[float, ...]:
    """Run one side in a process of its own; give rows, CPU seconds of all and of the read, and peak MB."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("DATAFLOW_", "AIRFLOW"))}
    clean |= {"RUNTIME__DLTHUB_TELEMETRY": "false"}
    with tempfile.TemporaryDirectory(prefix="dataflow-api-") as folder:
        done = subprocess.run(
            [sys.executable, "-c", code, address, folder],
            env=clean,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise SystemExit(f"ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-3000:]}")
    return tuple(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()

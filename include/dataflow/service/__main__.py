"""``python -m dataflow.service [--once] [--port PORT]``: what ``make run`` runs."""

from __future__ import annotations

import argparse
import signal
import sys

from pydantic import ValidationError

from dataflow.errors import DataflowError, InputError
from dataflow.service.airflow import start_airflow
from dataflow.service.guard import die_with_parent
from dataflow.settings import Settings, wrong_settings

WRONG_INPUT, RUN_FAILED = 1, 2


def main() -> int:
    """Start Airflow and serve; end when whoever started us ends."""
    parser = argparse.ArgumentParser(prog="python -m dataflow.service", description=__doc__)
    parser.add_argument("--once", action="store_true", help="end after one run of each example")
    parser.add_argument("--port", type=int, help="of Airflow's pages; by default DATAFLOW_AIRFLOW_PORT or 8080")
    parser.add_argument("--first-run", action="append", metavar="DAG", help="run this DAG once, not the examples")
    asked = parser.parse_args()
    die_with_parent(signal.SIGTERM)
    try:
        return start_airflow(Settings.load(), port=asked.port, once=asked.once, first_runs=asked.first_run)
    except ValidationError as error:
        sys.stderr.write(f"{wrong_settings(error)}\n")
        return WRONG_INPUT
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return WRONG_INPUT
    except DataflowError as error:
        sys.stderr.write(f"{error}\n")
        return RUN_FAILED


if __name__ == "__main__":
    sys.exit(main())

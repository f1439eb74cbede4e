"""Shows every broken workflow as one Airflow import error; defines no DAG, so that it can take none along."""

from __future__ import annotations

from dataflow.errors import DataflowError
from dataflow.factory.build import build_project
from dataflow.loading.carried import format_import_error

problems = build_project(__file__).problems
if problems:
    raise DataflowError(format_import_error(problems))

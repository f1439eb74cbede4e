"""One Airflow DAG for every healthy workflow in include/workflows; at a task's start, for its own workflow alone."""

from __future__ import annotations

from dataflow.factory.build import build_project

# Airflow takes the DAGs from this module's globals. Nothing here raises: a broken workflow is told by config_errors.py.
globals().update(build_project(__file__).dags)

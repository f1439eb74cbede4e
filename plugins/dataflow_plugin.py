"""Registers the pages and the API with Airflow, and what keeps secrets out of its programs' output.

Airflow loads plugins in every one of its programs; only the API server serves them, so only there is the app made.
"""

from __future__ import annotations

import sys

from airflow.plugins_manager import AirflowPlugin

from dataflow.factory import console
from dataflow.web.plugin import api_apps, middlewares, pages

IN_API_SERVER = "airflow.api_fastapi.app" in sys.modules


class DataflowPlugin(AirflowPlugin):
    """The page **Workflows**, the tabs **Workflow** and **Run**, ``/dataflow/api``, and masked logs."""

    name = "dataflow"
    fastapi_apps = api_apps() if IN_API_SERVER else []
    fastapi_root_middlewares = middlewares() if IN_API_SERVER else []
    react_apps = pages()
    listeners = [console]  # noqa: RUF012  # Airflow reads a list

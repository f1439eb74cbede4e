"""What the plugin registers with Airflow: an app, pages, and what keeps a small Airflow's server answering."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

__all__ = ["api_apps", "middlewares", "pages"]


def api_apps() -> list[dict[str, Any]]:
    """Give the FastAPI apps. Mounted one level above the routes, so that no path of ours falls to Airflow's page."""
    from dataflow.web.app import create_app

    return [{"app": create_app(), "url_prefix": "/dataflow", "name": "dataflow"}]


def middlewares() -> list[dict[str, Any]]:
    """Give what stands before every request of the API server: turns, where SQLite lets one write at a time."""
    from dataflow.web.airflow_access import metadata_is_sqlite
    from dataflow.web.one_writer import OneWriter

    return [{"middleware": OneWriter, "name": "one writer"}] if metadata_is_sqlite() else []


def pages() -> list[dict[str, Any]]:
    """Give the React apps. Relative addresses, so that they hold under a base path too."""
    return [
        _page("Workflows", destination="nav", route="workflows"),
        _page("Workflow", destination="dag", route="workflow"),
        _page("Run", destination="dag_run", route="run"),
    ]


def _page(name: str, *, destination: str, route: str) -> dict[str, Any]:
    # Airflow loads each address once: no two pages have the same.
    return {
        "name": name,
        "bundle_url": f"dataflow/static/{route}.js?v={version('dataflow')}-{destination}",
        "destination": destination,
        "url_route": route,
        "icon": "dataflow/static/workflows.svg",
        "icon_dark_mode": "dataflow/static/workflows-dark.svg",
    }

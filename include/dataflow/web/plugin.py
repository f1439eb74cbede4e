"""What the plugin registers with Airflow: one app and one page."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

__all__ = ["api_apps", "pages"]


def api_apps() -> list[dict[str, Any]]:
    """Give the FastAPI apps. Mounted one level above the routes, so that no path of ours falls to Airflow's page."""
    from dataflow.web.app import create_app

    return [{"app": create_app(), "url_prefix": "/dataflow", "name": "dataflow"}]


def pages() -> list[dict[str, Any]]:
    """Give the React apps. Relative addresses, so that they hold under a base path too."""
    return [
        {
            "name": "Workflows",
            "bundle_url": f"dataflow/static/workflows.js?v={version('dataflow')}-nav",
            "destination": "nav",
            "url_route": "workflows",
            "icon": "dataflow/static/workflows.svg",
            "icon_dark_mode": "dataflow/static/workflows-dark.svg",
        }
    ]

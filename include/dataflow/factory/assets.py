"""The assets of a workflow: data that others can wait for, named ``raw/…``, ``staging/…`` and ``warehouse/…``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Asset

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataflow.loading.workflow import Workflow
    from dataflow.spec.plan import Task

__all__ = ["asset_named", "describe_events", "outlets_of"]


def asset_named(name: str) -> Asset:
    """Give the asset of that name, e.g. ``warehouse/shop/daily_sales``.

    Producer and consumer must give Airflow equal assets, so this is the only place that makes one. The name is the
    URI too: it has no scheme, which Airflow takes as it is.
    """
    return Asset(name)


def outlets_of(workflow: Workflow, task: Task) -> list[Asset]:
    """Give what the task updates: a batch on ingest, a table on load, every published table on publish."""
    if task.kind == "ingest":
        return [asset_named(f"raw/{workflow.name}/{task.table}")]
    if task.kind == "transform":
        return [asset_named(f"staging/{workflow.name}/{task.table}")]
    if task.kind == "publish":
        return [asset_named(f"warehouse/{workflow.name}/{table}") for table in workflow.published_tables]
    return []


def describe_events(context: Mapping[str, Any], outlets: list[Asset], receipt: Mapping[str, Any]) -> None:
    """Give each asset event of this task the rows that its table has, and the run's window."""
    tables = receipt.get("tables") or {}
    for asset in outlets:
        table = asset.name.rsplit("/", 1)[-1]
        extra = {"rows": tables.get(table, receipt.get("rows")), "window": receipt.get("window")}
        context["outlet_events"][asset].extra.update({key: value for key, value in extra.items() if value})

"""A private place for a trial run: same code, same inputs, none of the real data is touched."""

from __future__ import annotations

import shutil
from pathlib import Path

from dataflow.loading.workflow import Workflow
from dataflow.settings import Settings
from dataflow.spec.sources import PublishedSource

__all__ = ["link_published", "sandbox_of"]


def sandbox_of(settings: Settings, workflow: Workflow, *, keep: bool = False) -> Settings:
    """Give settings whose landing, warehouse, snapshots and history lie in an empty folder of their own.

    What other workflows really published is linked in, so that a ``published`` source reads the real thing. With
    ``keep`` the last sandbox is gone on with.
    """
    home = settings.project / ".dataflow" / "sandbox" / workflow.name
    if not keep:
        shutil.rmtree(home, ignore_errors=True)
    published = home / "published"
    link_published(settings, workflow, published)
    return settings.model_copy(
        update={
            "landing": home / "landing",
            "warehouse": home / "warehouse.duckdb",
            "published": published,
            "scratch": home / "scratch",
            "copies": False,
            "ops": f"sqlite:///{home / 'ops.db'}",
        }
    )


def link_published(settings: Settings, workflow: Workflow, published: Path) -> None:
    """Let a private folder of snapshots show what the workflows that this one reads really published."""
    from dataflow.warehouse.mirror import mirror

    published.mkdir(parents=True, exist_ok=True)
    read: dict[str, set[str]] = {}
    for source in workflow.spec.sources.values():
        if isinstance(source, PublishedSource):
            owner, _, table = source.table.partition(".")
            read.setdefault(owner, set()).add(table)
    for owner in read.keys() - {workflow.name}:
        mirror(settings, owner, tables=read[owner], into=published)

"""Rows in quarantine that were put right or judged anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.ops.history import open_history
from dataflow.quarantine.expiry import expire_quarantine
from dataflow.quarantine.records import workflows_with_open
from dataflow.registry import load_registry
from dataflow.runtime.quarantine.close import close_read_again

if TYPE_CHECKING:
    from dataflow.ops.history import History
    from dataflow.settings import Settings

__all__ = ["expire"]


def expire(settings: Settings, dry_run: bool) -> list[str]:
    """Close records whose rows a later run read again; delete those that are over for ``DATAFLOW_KEEP_QUARANTINE``.

    What still waits for somebody stays.
    """
    history = open_history(settings.ops)
    told = _close(settings, history, dry_run=dry_run)
    count = expire_quarantine(history, settings.landing, older_than=settings.keep_quarantine, dry_run=dry_run)
    return told + ([f"{count} records of quarantine that are over"] if count else [])


def _close(settings: Settings, history: History, *, dry_run: bool) -> list[str]:
    told = []
    for name in workflows_with_open(history):
        registry = load_registry(settings.project, only=name, environment=settings.environment)
        workflow = registry.workflows.get(name)  # of one that is gone or broken, nobody can judge the records
        closed = close_read_again(history, workflow, dry_run=dry_run) if workflow is not None else 0
        if closed:
            told.append(f"{closed} records of {name} closed, for a later run read their rows again")
    return told

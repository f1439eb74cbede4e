"""Rows in quarantine that were put right or judged anew."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.ops.history import open_history
from dataflow.quarantine.expiry import expire_quarantine

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["expire"]


def expire(settings: Settings, dry_run: bool) -> list[str]:
    """Delete records older than ``DATAFLOW_KEEP_QUARANTINE`` that are over; what still waits stays."""
    history = open_history(settings.ops)
    count = expire_quarantine(history, settings.landing, older_than=settings.keep_quarantine, dry_run=dry_run)
    return [f"{count} records of quarantine that are over"] if count else []

"""The chores of the upkeep, in their order: the one list, which the DAG and the CLI read.

Each does no harm beside running workflows, nor when it is done twice. Its work is imported when it is done: a parse of
the DAG's file imports this list.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dataflow.settings import Settings

__all__ = ["CHORES", "Done", "do_chore"]

LOG = logging.getLogger("dataflow.maintenance")


@dataclass(frozen=True, slots=True)
class Done:
    """What one chore did, or would do."""

    chore: str
    told: tuple[str, ...]
    """A line for each thing that was deleted or brought into order; empty where there was nothing to do."""


CHORES: Mapping[str, str] = {
    "orphans": "dataflow.maintenance.orphans:sweep",
    "landing": "dataflow.maintenance.landing:expire",
    "quarantine": "dataflow.maintenance.quarantine:expire",
    "published": "dataflow.maintenance.published:expire",
    "history": "dataflow.maintenance.history:expire",
    "warehouse": "dataflow.maintenance.warehouse:tidy",
}
"""Where the work of each is: a function of the settings and of whether only to tell; it gives what ``Done`` tells."""


def do_chore(name: str, settings: Settings, *, dry_run: bool = False, log: logging.Logger = LOG) -> Done:
    """Do one chore and log what it did."""
    work: Callable[[Settings, bool], list[str]] = resolve_name(CHORES[name])
    done = Done(name, tuple(work(settings, dry_run)))
    for line in done.told or ("nothing to do",):
        log.info("%s: %s%s", name, "would be: " if dry_run else "", line)
    return done

"""The chores of the upkeep, in their order; each does no harm beside running workflows, nor when it is done twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataflow.maintenance import history, landing, orphans, published, quarantine, warehouse

if TYPE_CHECKING:
    from dataflow.settings import Settings

__all__ = ["CHORES", "Done", "do_chore"]

LOG = logging.getLogger("dataflow.maintenance")


@dataclass(frozen=True, slots=True)
class Done:
    """What one chore did, or would do."""

    chore: str
    told: tuple[str, ...]
    """A line for each thing that was deleted or brought into order; empty where there was nothing to do."""


CHORES: Mapping[str, Callable[[Settings, bool], list[str]]] = {
    "orphans": orphans.sweep,
    "landing": landing.expire,
    "quarantine": quarantine.expire,
    "published": published.expire,
    "history": history.expire,
    "warehouse": warehouse.tidy,
}
"""Each takes the settings and whether to do nothing but tell."""


def do_chore(name: str, settings: Settings, *, dry_run: bool = False, log: logging.Logger = LOG) -> Done:
    """Do one chore and log what it did."""
    done = Done(name, tuple(CHORES[name](settings, dry_run)))
    for line in done.told or ("nothing to do",):
        log.info("%s: %s%s", name, "would be: " if dry_run else "", line)
    return done

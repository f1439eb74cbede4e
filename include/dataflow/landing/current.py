"""Which batch of a window everyone sees: the one that was committed last."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dataflow.errors import LandingError
from dataflow.landing import files
from dataflow.landing.keys import window_key
from dataflow.landing.manifest import Manifest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataflow.interval import Interval
    from dataflow.s3.place import S3Place

__all__ = ["current_manifest", "set_current", "window_folder"]

CURRENT = "current.json"


def window_folder(landing: Path | S3Place | str, workflow: str, *, table: str, window: Interval) -> str:
    """Give the folder of one table's window."""
    return files.join(landing, workflow, table, window_key(window))


def current_manifest(landing: Path | S3Place, workflow: str, table: str, window: Interval) -> Manifest | None:
    """Give the batch that was committed last; None where the window has none.

    Raises:
        LandingError: when it is named but missing or damaged.
    """
    folder = window_folder(landing, workflow, table=table, window=window)
    content = files.read(files.join(folder, CURRENT))
    if content is None:
        return None
    try:
        named = str(json.loads(content)["manifest"])
    except (KeyError, TypeError, ValueError):
        raise LandingError(
            f"{files.join(folder, CURRENT)} is damaged; clear the ingest task to write it again"
        ) from None
    return read_manifest(files.join(folder, named))


def set_current(landing: Path | S3Place, manifest: Manifest, *, may: Callable[[], bool] = lambda: True) -> None:
    """Let everyone see this batch, unless it may not be seen; the name is kept relative, so a landing may be moved.

    Between that answer and the change nobody else changes what is seen; see `files.replace_if`.

    Raises:
        TransientError: when others changed it all the time.
    """
    folder = window_folder(landing, manifest.workflow, table=manifest.table, window=manifest.window)
    named = manifest.uri.removeprefix(folder + "/")
    files.replace_if(files.join(folder, CURRENT), json.dumps({"manifest": named}).encode(), may=may)

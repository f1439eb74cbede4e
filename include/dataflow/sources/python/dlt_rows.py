"""What dlt calls a resource or a source, as rows: read where it stands, without a pipeline, its state or its telemetry.

Nothing here imports dlt: whoever gives such a thing has imported it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from dataflow.errors import ContractError

__all__ = ["dlt_rows", "silence_dlt"]


def silence_dlt() -> None:
    """Have dlt, if anybody imports it, tell nobody of it; who wants that sets the variable."""
    os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")


def dlt_rows(given: Any, shown: str) -> Iterator[object] | None:
    """Give the rows of a resource or of a source that has one; None for anything else.

    Raises:
        ContractError: when a source has several resources: each is a source of its own here.
    """
    loaded = sys.modules.get("dlt.extract")
    if loaded is None or not isinstance(given, (loaded.DltResource, loaded.DltSource)):
        return None
    if isinstance(given, loaded.DltSource) and len(given.selected_resources) != 1:
        names = ", ".join(given.selected_resources) or "none"
        raise ContractError(
            f"{shown} gave a dlt source of {len(given.selected_resources)} resources ({names}); give one, as in "
            "`return shop().with_resources('orders')`, and write a source for each"
        )
    rows: Iterable[object] = given
    return iter(rows)

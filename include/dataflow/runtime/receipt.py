"""What a task hands to the tasks after it: what it made and where that lies, never the rows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from dataflow.errors import FatalError

__all__ = ["MAX_OUTPUT_BYTES", "StepReceipt", "bounded_json"]

MAX_OUTPUT_BYTES = 16_384
"""Of what one task may return, as JSON; it is kept in the engine's database."""


@dataclass(frozen=True, slots=True)
class StepReceipt:
    """What a task made."""

    table: str | None
    """None for a task that makes several; see ``tables``."""
    rows: int
    """After the step; for a load, in the loaded table."""
    rows_in: int | None = None
    bytes: int | None = None
    uri: str | None = None
    """Of the manifest that names the batch, or of the snapshot."""
    schema_hash: str | None = None
    skipped: str | None = None
    """Why nothing was done, where that is no error."""
    quarantined: int | None = None
    """Rows that were left out and lie in quarantine."""
    corrected: int | None = None
    """Rows that came as bad as before, and were corrected as before."""
    tables: Mapping[str, int] = field(default_factory=dict)
    """Rows of each published table."""
    window: Mapping[str, str] = field(default_factory=dict)
    """The run's window, ``start`` and ``end`` in ISO 8601."""

    def to_json(self) -> dict[str, Any]:
        """Give what is set, as JSON of at most 16 kB; the table counts go first if it is more."""
        value = {key: item for key, item in asdict(self).items() if item not in (None, {})}
        if len(json.dumps(value)) > MAX_OUTPUT_BYTES:
            value.pop("tables", None)
        return bounded_json(value, of=self.table or "publish")

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_json` gave."""
        return cls(**{"table": None, **value})


def bounded_json(value: dict[str, Any], *, of: str) -> dict[str, Any]:
    """Give the value back if it is JSON of at most 16 kB.

    Raises:
        FatalError: when it is not; the text names the step.
    """
    try:
        size = len(json.dumps(value, allow_nan=False).encode())
    except (TypeError, ValueError) as exc:
        raise FatalError(f"{of}: its output is not JSON ({exc}); return numbers, text, lists and mappings") from exc
    if size > MAX_OUTPUT_BYTES:
        raise FatalError(
            f"{of}: its output is {size} bytes, and {MAX_OUTPUT_BYTES} are the limit; write rows to a table, not there"
        )
    return value

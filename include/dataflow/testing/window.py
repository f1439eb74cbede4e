"""Windows as tests write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataflow.cli.given import window_of
from dataflow.interval import Interval

if TYPE_CHECKING:
    from dataflow.spec.workflow import WorkflowSpec

__all__ = ["window_for"]


def window_for(spec: WorkflowSpec, given: Interval | str | None) -> Interval | None:
    """Read a day or ``start/end`` as ``dataflow workflow run --window`` does; a span is given back as it is."""
    return given if isinstance(given, Interval) else window_of(spec, given)

"""The rows of a week, as they are loaded."""

from __future__ import annotations

from dataflow import StepContext, Table
from pipelines.otc_volumes import uniform


def trades(ctx: StepContext, trades: Table) -> Table:
    """Load what the gate judged: the rows as the shared pipeline makes them, those without a quantity left out."""
    return uniform(trades).filter("shares is not null")

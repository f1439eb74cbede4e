from __future__ import annotations

from dataflow import StepContext, StepResult


def enough(ctx: StepContext) -> StepResult:
    rows = ctx.output("ingest.orders").rows
    return StepResult.ok() if rows else StepResult.fail("no rows", "QUALITY_GATE")

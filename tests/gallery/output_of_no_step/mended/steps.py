from __future__ import annotations

from dataflow import StepContext, StepResult


def measure(ctx: StepContext) -> StepResult:
    return StepResult.ok(output={"null_rate": 0.5})


def judge(ctx: StepContext) -> StepResult:
    if ctx.output("ingest.orders").rows and ctx.output("measure")["null_rate"] > 0.1:
        return StepResult.fail("Too many nulls", "QUALITY_GATE")
    return StepResult.ok()

from __future__ import annotations

from dataflow import StepContext, StepResult


def enough(ctx: StepContext) -> StepResult:
    return StepResult.ok()


def route(ctx: StepContext) -> str:
    return "left"


def note(ctx: StepContext, batch: int = 1) -> None:
    ctx.log.info("%d", batch)

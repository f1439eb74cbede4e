from __future__ import annotations

from dataflow import StepContext, StepResult


def first(ctx: StepContext) -> StepResult:
    return StepResult.ok()


def plain(ctx: StepContext) -> None:
    ctx.log.info("plain")


def note(ctx: StepContext, batch: int) -> None:
    ctx.log.info("%d", batch)

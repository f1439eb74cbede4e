from __future__ import annotations

from dataflow import StepContext, StepResult


def judge(ctx: StepContext, least: int) -> StepResult:
    return StepResult.ok()


def enough(ctx: StepContext) -> StepResult:
    return StepResult.ok()

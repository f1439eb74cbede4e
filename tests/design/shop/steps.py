"""Steps of the shop's orders."""

from __future__ import annotations

from dataflow import StepContext, StepResult


def enough_rows(ctx: StepContext) -> StepResult:
    """Tell whether so many orders came that it is worth going on."""
    rows = ctx.output("ingest.orders").rows
    return StepResult.ok(output={"rows": rows}) if rows >= 10 else StepResult.fail("Too few records", "QUALITY_GATE")


def rebuild(ctx: StepContext, batch: int = 500) -> StepResult:
    """Say that everything is built anew."""
    return StepResult.ok(output={"batch": batch})


def increment(ctx: StepContext, batch: int = 500) -> StepResult:
    """Say how much is built at once."""
    return StepResult.ok(output={"batch": batch})


def a(ctx: StepContext) -> None:
    """Do one thing."""
    ctx.log.info("one thing")


def b(ctx: StepContext) -> None:
    """Do another at the same time."""
    ctx.log.info("another")


def c(ctx: StepContext) -> StepResult:
    """Do what follows the other."""
    [(customers,)] = ctx.sql("select count(*) from batch.customers").fetchall()
    return StepResult.ok(output={"customers": customers})


def route(ctx: StepContext) -> str:
    """Go the weekly way after a Sunday."""
    return "weekly" if ctx.window.start.weekday() == 6 else "monthly"


def weekly(ctx: StepContext) -> None:
    """Do what is due once a week."""
    ctx.log.info("a week is over")


def monthly(ctx: StepContext) -> None:
    """Do what is due otherwise."""
    ctx.log.info("no week is over")

"""What the run of a week decides, and what it tells of the weeks that it touched."""

from __future__ import annotations

from datetime import date, timedelta

from dataflow import StepContext, StepResult


def enough_records(ctx: StepContext) -> StepResult:
    """Refuse a file that was cut off."""
    rows, least = ctx.output("ingest.trades").rows, ctx.settings["least_records"]
    if rows < least:
        return StepResult.fail(f"{rows} records, and {least} are the least", "QUALITY_GATE")
    return StepResult.ok(output={"records": rows})


def few_nulls(ctx: StepContext) -> StepResult:
    """Refuse a week in which too many rows lack a firm or a quantity."""
    rate, most = ctx.output("normalize")["null_rate"], ctx.settings["most_null"]
    if rate > most:
        return StepResult.fail(f"{rate:.1%} of the rows lack a firm or a quantity, and {most:.1%} may", "QUALITY_GATE")
    return StepResult.ok()


def this_week(ctx: StepContext) -> StepResult:
    """Aggregate the week of the run."""
    friday = date.fromisoformat(ctx.params["week_ending"])
    return StepResult.ok(output={"weeks": [str(friday - timedelta(days=friday.weekday()))]})


def every_week(ctx: StepContext) -> StepResult:
    """Aggregate every week that is loaded."""
    weeks = ctx.sql("select distinct week_start from trades order by 1").fetchall()
    return StepResult.ok(output={"weeks": [str(week) for (week,) in weeks]})


def aggregate(ctx: StepContext) -> StepResult:
    """Sum up the weeks in scope, for the log and for whoever asks the run."""
    scope = {"then": "then.every_week", "else": "else.this_week"}[ctx.output("scope")["way"]]
    totals = {}
    for week in ctx.output(scope)["weeks"]:
        row = ctx.sql(f"select sum(trades), sum(shares) from trades where week_start = date '{week}'").fetchone()
        trades, shares = row or (None, None)
        totals[week] = {"trades": int(trades or 0), "shares": int(shares or 0)}
        ctx.log.info("week of %s: %s", week, totals[week])
    return StepResult.ok(output={"weeks": totals})

"""Weekly volumes in FINRA's layout, made uniform; for every workflow that reads such files."""

from __future__ import annotations

from dataflow import StepContext, StepResult, Table

NAMES = """
    weekStartDate as week_start,
    lower(replace(tierDescription, 'NMS Tier ', 't')) as tier,
    upper(trim(issueSymbolIdentifier)) as symbol,
    nullif(trim(issueName), '') as issue,
    nullif(trim(marketParticipantName), '') as firm,
    coalesce(nullif(trim(MPID), ''), 'none') as firm_id,
    totalWeeklyTradeCount as trades,
    totalWeeklyShareQuantity as shares,
    lastUpdateDate as reported_on
"""


def uniform(trades: Table) -> Table:
    """Give the columns plain names, tiers a short one, and blanks the null that they mean."""
    return trades.select(NAMES)


def normalize(ctx: StepContext, source: str = "trades") -> StepResult:
    """Measure this run's batch as it will be loaded: how many rows, and how many lack a firm or a quantity."""
    batch = uniform(ctx.sql(f"select * from batch.{source}"))
    found = batch.aggregate("count(*), count(*) filter (firm is null or shares is null)").fetchone()
    rows, lacking = found or (0, 0)
    return StepResult.ok(output={"rows": rows, "null_rate": lacking / rows if rows else 1.0})

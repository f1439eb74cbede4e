{{ config(materialized='incremental', unique_key=['week_start', 'tier', 'symbol']) }}

select
    week_start,
    tier,
    symbol,
    any_value(issue) as issue,
    count(*) as firms,
    sum(trades)::bigint as trades,
    sum(shares)::bigint as shares
from {{ source('staging', 'trades') }}
group by week_start, tier, symbol

{{ config(materialized='table') }}

select
    week,
    count(*) as days,
    sum(orders)::bigint as orders,
    sum(revenue)::bigint as revenue,
    round(sum(revenue) / count(*))::bigint as revenue_a_day
from {{ source('staging', 'daily_revenue') }}
group by 1
order by 1

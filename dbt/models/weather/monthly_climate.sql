{{ config(materialized='table') }}

select
    date_trunc('month', date)::date as month,
    count(*) as days,
    count(*) filter (where is_wet) as wet_days,
    round(sum(precipitation), 1) as precipitation_mm,
    round(avg(temp_mean), 2) as temp_mean,
    max(temp_max) as temp_highest,
    min(temp_min) as temp_lowest
from {{ ref('daily_weather') }}
group by 1
order by 1

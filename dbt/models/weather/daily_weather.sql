{{ config(materialized='table') }}

select
    date,
    precipitation,
    temp_max,
    temp_min,
    temp_mean,
    wind,
    sky,
    is_wet
from {{ source('staging', 'observations') }}

{{ config(materialized='table') }}

select
    ordered_on as day,
    count(*) as orders,
    count(distinct customer_id) as customers,
    sum(subtotal)::bigint as revenue,
    sum(tax_paid)::bigint as tax,
    sum(order_total)::bigint as paid
from {{ ref('valid_orders') }}
group by 1
order by 1

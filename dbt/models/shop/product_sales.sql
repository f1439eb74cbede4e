{{ config(materialized='table') }}

select
    products.sku,
    products.name,
    products.type,
    count(*) as sold,
    sum(products.price)::bigint as list_revenue
from {{ source('staging', 'items') }} as items
join {{ ref('valid_orders') }} as orders using (order_id)
join {{ source('staging', 'products') }} as products using (sku)
group by all
order by products.sku

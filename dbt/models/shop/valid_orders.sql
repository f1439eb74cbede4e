{{ config(materialized='view') }}

select
    order_id,
    customer_id,
    store_id,
    store_name,
    ordered_on,
    subtotal,
    tax_paid,
    order_total
from {{ source('staging', 'orders') }}
where not is_returned

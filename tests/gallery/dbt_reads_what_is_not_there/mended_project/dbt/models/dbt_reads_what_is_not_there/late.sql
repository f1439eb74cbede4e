select * from {{ ref('paid') }} join {{ source('crm', 'persons') }} using (order_id) join {{ ref(var('x', 'paid')) }} using (order_id)

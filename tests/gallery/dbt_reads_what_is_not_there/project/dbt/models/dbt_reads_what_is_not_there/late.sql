select * from {{ ref('zzz') }} join {{ source('shop', 'orders') }} using (order_id) join {{ source('crm', 'people') }} using (order_id)

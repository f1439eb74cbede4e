select cast(updated_at as date) as day, count(*) as orders, sum(net) as net, round(sum(net) * 1.19, 2) as gross
from {{ source('staging', 'orders') }}
group by 1

-- {{ ref('payd') }} counts in a comment too
select *
from {{ source('staging', 'order') }}
join {{ source('staging', 'zzz') }} using (order_id)

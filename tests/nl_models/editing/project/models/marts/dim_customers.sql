select
    customer_id,
    segment,
    city
from {{ ref('raw_customers') }}

select
    country,
    sum(amount) as revenue,
    count(*) as orders,
from {{ ref('fct_orders') }}
group by country

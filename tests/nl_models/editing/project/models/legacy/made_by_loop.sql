select
    country,
    {% for channel in ['web', 'shop'] %}
    sum(case when channel = '{{ channel }}' then 1 else 0 end) as {{ channel }}_orders,
    {% endfor %}
    count(*) as order_count
from {{ ref('fct_orders') }}
group by country

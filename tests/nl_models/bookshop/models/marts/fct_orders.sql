select
    order_id,
    1 + order_id % 3 as customer_id,
    cast(strftime(date '2024-01-01' + cast(6 * (order_id // 2) as integer), '%Y%m%d') as integer) as ordered_date_key,
    cast(2 + order_id % 5 as decimal(9, 2)) as freight_amount,
    sum(line_amount) as total_amount,
    cast(order_id % 4 = 0 as integer) as is_gift
from {{ ref('fct_order_lines') }}
group by order_id

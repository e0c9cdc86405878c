select o.order_id, o.channel, c.segment
from {{ ref('fct_orders') }} o
join {{ ref('dim_customers') }} c on o.customer_id = c.customer_id
where o.amount_gbp > 15 or o.quantity > 3

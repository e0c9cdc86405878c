select
    orders.order_id,
    orders.customer_id,
    orders.amount,
    customers.country,
from {{ ref('orders') }} as orders
inner join {{ ref('customers') }} as customers on orders.customer_id = customers.customer_id

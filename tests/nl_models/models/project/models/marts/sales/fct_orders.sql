select
    cast('o' || order_number as varchar) as order_id,
    cast(customer_id as integer) as customer_id,
    cast(channel as varchar) as channel,
    cast(customer_order_number as integer) as customer_order_number,
    cast(amount as decimal(18, 4)) as amount_eur,
    cast(ordered_date as date) as ordered_date

from (
    values
    (1, 1, 'web', 1, 10, '2024-01-05'),
    (2, 1, 'web', 2, 20.5, '2024-01-20'),
    (3, 2, 'shop', 1, 40, '2024-02-01'),
    (4, 3, 'web', 1, 80, '2024-02-10'),
    (5, 3, 'shop', 2, 160, '2024-04-11'),
    (6, null, 'web', null, 320, '2024-04-12'),
    (7, 1, 'web', 3, 640, '2025-01-03')
) as given(order_number, customer_id, channel, customer_order_number, amount, ordered_date)

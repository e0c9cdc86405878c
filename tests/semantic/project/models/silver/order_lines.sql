select
    order_id,
    cast(line_number as integer) as line_number,
    stock_code,
    cast(quantity as integer) as quantity,
    cast(unit_price as decimal(12, 4)) as unit_price,
    cast('2011-01-07 09:00:00' as timestamp) as invoiced_at,
    false as is_repeated_line
from (
    values
        ('a', 1, '85123A', 6, 2.55),
        ('a', 2, 'POST', 1, 18.0),
        ('b', 1, '22423', 2, 12.75),
        ('c', 1, '22423', 10, 10.95),
        ('d', 1, '85123A', 12, 2.55),
        ('e', 1, '22423', 1, 12.75),
        ('e', 2, '85123A', 3, 2.95)
) as invoiced (order_id, line_number, stock_code, quantity, unit_price)

select
    number as order_line_id,
    1 + (number - 1) // 2 as order_id,
    1 + number % 3 as book_id,
    1 + number % 4 as quantity,
    cast((1 + number % 4) * (10 + number % 3) as decimal(9, 2)) as line_amount
from range(1, 301) as numbers (number)

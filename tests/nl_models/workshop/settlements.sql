select
    i as settlement_id,
    1 + (i * 7) % 120 as repair_id,
    (20 + i % 11)::decimal(9, 2) as amount,
    ['card', 'cash'][1 + i % 2] as payment_method,
    date '2024-02-01' + (i * 3)::integer as settled_on,
    now() as _smelt_loaded_at
from range(1, 91) as r (i)

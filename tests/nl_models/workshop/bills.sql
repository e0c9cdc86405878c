select
    i as bill_id,
    ['Oslo', 'Bergen'][1 + i % 2] as billing_city,
    (100 + i)::decimal(9, 2) as total,
    date '2023-11-01' + (i * 9)::integer as bill_date,
    now() as _smelt_loaded_at
from range(1, 61) as r (i)

select
    i as repair_id,
    1 + i % 5 as bench_id,
    ['low', 'normal', 'urgent'][1 + i % 3] as priority,
    case when i % 4 = 0 then 'open' else 'closed' end as status,
    timestamp '2024-01-10' + to_days((i * 5)::integer) as opened_at,
    case when i % 4 > 0 then timestamp '2024-01-20' + to_days((i * 5 + i % 40)::integer) end as closed_at,
    (2 + i % 7)::decimal(9, 1) as repair_hours,
    now() as _smelt_loaded_at
from range(1, 121) as r (i)

select i as trip_id, ['Ada', 'Ben'][1 + i % 2] as guide, date '2024-05-01' + (i * 2)::integer as trip_date, i * 4 as seats
from range(1, 10) as r (i)

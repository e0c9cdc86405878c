-- 400 rentals from 1 January 2024 on, three a day; every seventh without a known rider
select
    number as rental_id,
    case when number % 7 = 0 then null else 1 + number % 11 end as rider_id,
    1 + number % 4 as station_id,
    case number % 3 when 0 then 'city bike' when 1 then 'cargo bike' else 'e-bike' end as bike_type,
    number % 5 = 0 as is_damaged,
    cast(1 + (number * 7) % 13 as decimal(9, 2)) as distance_km,
    cast(2 + (number * 3) % 10 as decimal(9, 2)) as fee_eur,
    cast(2 + (number * 3) % 10 as decimal(9, 2)) * 1.1 as fee_usd,
    date '2024-01-01' + cast(number // 3 as integer) as rented_on
from range(1, 401) as numbers(number)

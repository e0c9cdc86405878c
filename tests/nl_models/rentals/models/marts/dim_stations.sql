select
    station_id,
    station_name,
    city,
    opened_on
from (
    values
    (1, 'Old Harbour', 'Bergen', date '2020-05-01'),
    (2, 'Fish Market', 'Bergen', date '2021-03-15'),
    (3, 'Town Hall', 'Oslo', date '2019-09-01'),
    (4, 'Opera', 'Oslo', date '2022-06-20'),
    (5, 'Nowhere', 'Narvik', date '2023-01-01')
) as stations(station_id, station_name, city, opened_on)

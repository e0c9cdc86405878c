select
    cast(strftime(day, '%Y%m%d') as integer) as date_key,
    cast(day as date) as calendar_date,
    monthname(day) as month_name
from range(date '2024-01-01', date '2025-07-01', interval 1 day) as days (day)

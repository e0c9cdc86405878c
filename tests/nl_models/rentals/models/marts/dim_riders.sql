select
    number as rider_id,
    case when number % 2 = 0 then 'member' else 'guest' end as plan,
    number % 3 = 0 as is_student
from range(1, 15) as numbers(number)

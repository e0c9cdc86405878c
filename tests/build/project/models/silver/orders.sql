select
    * exclude (_smelt_broken_rules, _smelt_op),
    (amount * 2)::hugeint as amount_doubled,
from {{ ref('int_orders__checked') }}
where len(_smelt_broken_rules) = 0

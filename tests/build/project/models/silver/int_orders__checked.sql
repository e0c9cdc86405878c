select
    *,
    list_filter([
        case when not coalesce(amount >= 0, false) then 'amount_not_negative' end,
        case when not coalesce(customer_id > 0, false) then 'customer_known' end,
    ], rule -> rule is not null) as _smelt_broken_rules,
from {{ source('shop', 'orders') }}

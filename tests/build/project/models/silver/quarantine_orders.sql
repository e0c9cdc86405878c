select * from {{ ref('int_orders__checked') }}
where len(_smelt_broken_rules) > 0

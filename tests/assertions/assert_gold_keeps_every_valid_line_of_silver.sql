with

expected as (

    -- a line can only be missing while its order is quarantined; keys of both sides are unique by test
    select
        count(*) as line_count
    from {{ ref('order_lines') }} as order_lines
    inner join {{ ref('orders') }} as orders
        on order_lines.order_id = orders.order_id

),

actual as (

    select
        count(*) as line_count
    from {{ ref('fct_order_lines') }}

),

final as (

    select
        expected.line_count as silver_lines,
        actual.line_count as gold_lines

    from expected
    cross join actual

    where expected.line_count <> actual.line_count

)

select * from final

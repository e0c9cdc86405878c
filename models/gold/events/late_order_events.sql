with

orders as (

    {{ late_events(ref('int_order_events'), 'shop.orders', 'order_id') }}

),

order_lines as (

    {{ late_events(ref('int_order_line_events'), 'shop.order_lines', "order_id || '/' || line_number") }}

),

final as (

    select * from orders

    union all

    select * from order_lines

)

select * from final

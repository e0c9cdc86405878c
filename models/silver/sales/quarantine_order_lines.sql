with

final as (

    {{ quarantined(source('shop', 'order_lines'), ref('int_order_lines__checked')) }}

)

select * from final

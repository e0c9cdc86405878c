with

final as (

    {{ quarantined(source('shop', 'orders'), ref('int_orders__checked')) }}

)

select * from final

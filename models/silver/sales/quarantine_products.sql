with

final as (

    {{ quarantined(source('shop', 'products'), ref('int_products__checked')) }}

)

select * from final

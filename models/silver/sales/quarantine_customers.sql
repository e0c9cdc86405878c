with

final as (

    {{ quarantined(source('shop', 'customers'), ref('int_customers__checked')) }}

)

select * from final

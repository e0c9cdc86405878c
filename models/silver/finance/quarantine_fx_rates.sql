with

final as (

    {{ quarantined(source('ecb', 'rates'), ref('int_fx_rates__checked')) }}

)

select * from final

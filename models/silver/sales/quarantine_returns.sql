with

final as (

    {{ quarantined(source('returns', 'lines'), ref('int_returns__checked')) }}

)

select * from final

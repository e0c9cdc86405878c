with

latest as (

    {{ latest_valid(ref('int_fx_rates__checked'), ['rate_date', 'currency']) }}

),

final as (

    select

        ---------- ids
        rate_date,
        currency,

        ---------- numerics
        units_per_eur,

        ---------- audit
        {{ audit_columns() }}

    from latest

)

select * from final

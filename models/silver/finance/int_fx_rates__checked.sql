with

fx_rates as (

    select * from {{ ref('stg_ecb__rates') }}

),

checked as (

    select
        *,
        {{ broken_rules({
            'rate_date_present': 'rate_date is not null',
            'currency_known': "currency in ('GBP', 'USD')",
            'rate_positive': 'units_per_eur > 0'
        }) }} as _smelt_broken_rules

    from fx_rates

)

select * from checked

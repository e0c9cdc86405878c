with

returns as (

    select * from {{ ref('returns') }}

),

rates as (

    select * from {{ ref('int_fx_rates__daily') }}

),

priced as (

    select
        returns.return_id,
        returns.line_number,
        returns.customer_id,
        returns.stock_code,
        returns.country,
        returns.quantity,
        returns.unit_price,
        returns.returned_at,
        rates.date_day as returned_date,
        rates.eur_per_gbp,
        rates.usd_per_gbp,
        cast(returns.quantity * returns.unit_price as decimal(18, 4)) as returned_amount_gbp

    from returns
    left join rates
        on cast(returns.returned_at as date) = rates.date_day

),

final as (

    select

        ---------- keys
        return_id,
        line_number,
        customer_id,
        stock_code,

        ---------- text
        country,

        ---------- numerics
        quantity,
        unit_price,
        returned_amount_gbp,
        {{ gold_convert('returned_amount_gbp', 'eur_per_gbp') }} as returned_amount_eur,
        {{ gold_convert('returned_amount_gbp', 'usd_per_gbp') }} as returned_amount_usd,

        ---------- timestamps
        returned_at,
        returned_date

    from priced

)

select * from final

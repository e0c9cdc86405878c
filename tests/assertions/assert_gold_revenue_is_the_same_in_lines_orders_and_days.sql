with

lines_total as (

    select
        sum(net_amount_gbp) as gbp,
        sum(net_amount_eur) as eur,
        sum(net_amount_usd) as usd
    from {{ ref('fct_order_lines') }}

),

orders_total as (

    select
        sum(gross_revenue_gbp) as gbp,
        sum(gross_revenue_eur) as eur,
        sum(gross_revenue_usd) as usd
    from {{ ref('fct_orders') }}

),

days_total as (

    select
        count(*) as day_count,
        sum(revenue_gbp) as gbp,
        sum(revenue_eur) as eur,
        sum(revenue_usd) as usd
    from {{ ref('agg_revenue_daily') }}

),

final as (

    -- a day is rounded to cents, so days may be off by half a cent each; orders must be exact
    select
        lines_total.gbp as lines_gbp,
        orders_total.gbp as orders_gbp,
        days_total.gbp as days_gbp

    from lines_total
    cross join orders_total
    cross join days_total

    where
        lines_total.gbp <> orders_total.gbp
        or lines_total.eur <> orders_total.eur
        or lines_total.usd <> orders_total.usd
        or abs(lines_total.gbp - days_total.gbp) > 0.005 * days_total.day_count
        or abs(lines_total.eur - days_total.eur) > 0.005 * days_total.day_count
        or abs(lines_total.usd - days_total.usd) > 0.005 * days_total.day_count

)

select * from final

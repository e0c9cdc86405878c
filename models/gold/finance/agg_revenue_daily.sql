with

dates as (

    select * from {{ ref('dim_dates') }}

),

orders as (

    select * from {{ ref('fct_orders') }}

),

returns as (

    select * from {{ ref('fct_returns') }}

),

daily_orders as (

    select
        ordered_date,
        count(*) as order_count,
        count(distinct customer_id) as customer_count,
        sum(unit_count) as unit_count,
        sum(gross_revenue_gbp) as revenue_gbp,
        sum(gross_revenue_eur) as revenue_eur,
        sum(gross_revenue_usd) as revenue_usd

    from orders
    group by ordered_date

),

daily_returns as (

    select
        returned_date,
        count(*) as return_line_count,
        sum(returned_amount_gbp) as returns_gbp,
        sum(returned_amount_eur) as returns_eur,
        sum(returned_amount_usd) as returns_usd

    from returns
    group by returned_date

),

bounds as (

    select
        min(event_day) as first_day,
        max(event_day) as last_day

    from (
        select ordered_date as event_day from daily_orders
        union all
        select returned_date as event_day from daily_returns
    ) as event_days

),

trading_period as (

    select
        dates.date_day

    from dates
    cross join bounds

    where dates.date_day between bounds.first_day and bounds.last_day

),

final as (

    select

        ---------- keys
        trading_period.date_day as revenue_date,

        ---------- numerics
        cast(coalesce(daily_orders.order_count, 0) as bigint) as order_count,
        cast(coalesce(daily_orders.customer_count, 0) as bigint) as customer_count,
        cast(coalesce(daily_orders.unit_count, 0) as bigint) as unit_count,
        cast(coalesce(daily_returns.return_line_count, 0) as bigint) as return_line_count,
        cast(coalesce(daily_orders.revenue_gbp, 0) as decimal(18, 2)) as revenue_gbp,
        cast(coalesce(daily_orders.revenue_eur, 0) as decimal(18, 2)) as revenue_eur,
        cast(coalesce(daily_orders.revenue_usd, 0) as decimal(18, 2)) as revenue_usd,
        cast(coalesce(daily_returns.returns_gbp, 0) as decimal(18, 2)) as returns_gbp,
        cast(coalesce(daily_returns.returns_eur, 0) as decimal(18, 2)) as returns_eur,
        cast(coalesce(daily_returns.returns_usd, 0) as decimal(18, 2)) as returns_usd

    from trading_period
    left join daily_orders
        on trading_period.date_day = daily_orders.ordered_date
    left join daily_returns
        on trading_period.date_day = daily_returns.returned_date

)

select * from final

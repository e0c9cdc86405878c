with

orders as (

    select * from {{ ref('fct_orders') }}

),

returns as (

    select * from {{ ref('raw_returns') }}

),

sold as (

    select
        date_trunc('month', ordered_date) as month_start,
        sum(amount_gbp) as revenue_gbp

    from orders
    group by date_trunc('month', ordered_date)

),

returned as (

    select
        date_trunc('month', returned_at) as month_start,
        sum(refund_gbp) as refund_gbp

    from returns
    group by date_trunc('month', returned_at)

)

select
    sold.month_start,
    sold.revenue_gbp,
    coalesce(returned.refund_gbp, 0) as refund_gbp

from sold
left join returned
    on sold.month_start = returned.month_start

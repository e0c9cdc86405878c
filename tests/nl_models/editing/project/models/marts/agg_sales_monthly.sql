with

orders as (

    select * from {{ ref('fct_orders') }}

),

monthly_orders as (

    select
        cast({{ dbt.date_trunc('month', 'ordered_date') }} as date) as order_month,
        -- an order counts once
        count(*) as order_count,
        sum(amount_gbp) as revenue_gbp

    from orders
    group by cast({{ dbt.date_trunc('month', 'ordered_date') }} as date)

),

final as (

    select

        ---------- keys
        order_month,

        ---------- numerics
        cast(order_count as bigint) as order_count,
        cast(revenue_gbp as decimal(18, 2)) as revenue_gbp

    from monthly_orders

)

select * from final

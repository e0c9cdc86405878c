with

orders as (

    select * from {{ ref('fct_orders') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

returning_orders as (

    -- only customer type returning: new for a first order, returning from the second on, anonymous without
    -- a customer
    select
        cast({{ dbt.date_trunc('month', 'orders.ordered_date') }} as date) as order_month,
        customers.country,
        orders.amount_eur

    from orders
    left join customers
        on orders.customer_id = customers.customer_id

    where orders.customer_order_number <> 1

),

final as (

    select
        order_month,
        country,
        cast(sum(amount_eur) as decimal(18, 2)) as revenue_eur

    from returning_orders
    group by order_month, country

)

select * from final

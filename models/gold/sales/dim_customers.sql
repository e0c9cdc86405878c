with

customers as (

    select * from {{ ref('customers') }}

),

orders as (

    select * from {{ ref('fct_orders') }}

),

returns as (

    select * from {{ ref('fct_returns') }}

),

customer_orders as (

    select
        customer_id,
        min(ordered_at) as first_ordered_at,
        max(ordered_at) as last_ordered_at,
        count(*) as order_count,
        sum(unit_count) as unit_count,
        sum(gross_revenue_gbp) as lifetime_revenue_gbp

    from orders
    where customer_id is not null
    group by customer_id

),

customer_returns as (

    select
        customer_id,
        sum(returned_amount_gbp) as lifetime_returned_gbp

    from returns
    where customer_id is not null
    group by customer_id

),

numbered_returns as (

    select
        customer_id,
        country,
        row_number() over (
            partition by customer_id
            order by returned_at desc, return_id desc, line_number desc
        ) as newest_first

    from returns
    where customer_id is not null

),

known_customers as (

    select
        customer_id,
        country,
        true as is_in_shop
    from customers

    union all

    -- a customer can bring back goods bought before the shop's records begin
    select
        numbered_returns.customer_id,
        numbered_returns.country,
        false as is_in_shop

    from numbered_returns
    left join customers
        on numbered_returns.customer_id = customers.customer_id

    where
        numbered_returns.newest_first = 1
        and customers.customer_id is null

),

final as (

    select

        ---------- keys
        known_customers.customer_id,

        ---------- text
        known_customers.country,

        ---------- numerics
        cast(coalesce(customer_orders.order_count, 0) as integer) as order_count,
        cast(coalesce(customer_orders.unit_count, 0) as bigint) as unit_count,
        cast(coalesce(customer_orders.lifetime_revenue_gbp, 0) as decimal(18, 2)) as lifetime_revenue_gbp,
        cast(coalesce(customer_returns.lifetime_returned_gbp, 0) as decimal(18, 2)) as lifetime_returned_gbp,

        ---------- booleans
        known_customers.is_in_shop,
        coalesce(customer_orders.order_count, 0) >= 2 as is_returning,

        ---------- timestamps
        customer_orders.first_ordered_at,
        customer_orders.last_ordered_at

    from known_customers
    left join customer_orders
        on known_customers.customer_id = customer_orders.customer_id
    left join customer_returns
        on known_customers.customer_id = customer_returns.customer_id

)

select * from final

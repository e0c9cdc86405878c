with

order_lines as (

    select * from {{ ref('order_lines') }}

),

orders as (

    select * from {{ ref('orders') }}

),

rates as (

    select * from {{ ref('int_fx_rates__daily') }}

),

dated_orders as (

    -- the order's own day sets the rate: an order that spans midnight is still one order at one rate
    select
        orders.order_id,
        orders.customer_id,
        orders.country,
        orders.ordered_at,
        rates.date_day as ordered_date,
        rates.eur_per_gbp,
        rates.usd_per_gbp

    from orders
    left join rates
        on cast(orders.ordered_at as date) = rates.date_day

),

priced as (

    select
        order_lines.order_id,
        order_lines.line_number,
        order_lines.stock_code,
        order_lines.quantity,
        order_lines.unit_price,
        order_lines.is_repeated_line,
        dated_orders.customer_id,
        dated_orders.country,
        dated_orders.ordered_at,
        dated_orders.ordered_date,
        dated_orders.eur_per_gbp,
        dated_orders.usd_per_gbp,
        cast(order_lines.quantity * order_lines.unit_price as decimal(18, 4)) as net_amount_gbp

    from order_lines
    inner join dated_orders
        on order_lines.order_id = dated_orders.order_id

),

final as (

    select

        ---------- keys
        order_id,
        line_number,
        customer_id,
        stock_code,

        ---------- text
        country,

        ---------- numerics
        quantity,
        unit_price,
        net_amount_gbp,
        {{ gold_convert('net_amount_gbp', 'eur_per_gbp') }} as net_amount_eur,
        {{ gold_convert('net_amount_gbp', 'usd_per_gbp') }} as net_amount_usd,

        ---------- booleans
        is_repeated_line,

        ---------- timestamps
        ordered_at,
        ordered_date

    from priced

)

select * from final

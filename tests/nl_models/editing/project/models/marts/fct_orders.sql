with

orders as (

    select * from {{ ref('raw_orders') }}

),

final as (

    select

        ---------- keys
        order_id,
        customer_id,

        ---------- text
        channel,
        country,

        ---------- numerics
        cast(quantity as integer) as quantity,
        cast(amount_gbp as decimal(18, 2)) as amount_gbp,
        cast(amount_eur as decimal(18, 2)) as amount_eur,

        ---------- timestamps
        cast(ordered_at as date) as ordered_date

    from orders

)

select * from final

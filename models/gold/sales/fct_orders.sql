with

order_lines as (

    select * from {{ ref('fct_order_lines') }}

),

orders as (

    select
        order_id,
        min(customer_id) as customer_id,
        min(country) as country,
        min(ordered_at) as ordered_at,
        min(ordered_date) as ordered_date,
        count(*) as line_count,
        sum(quantity) as unit_count,
        sum(net_amount_gbp) as gross_revenue_gbp,
        sum(net_amount_eur) as gross_revenue_eur,
        sum(net_amount_usd) as gross_revenue_usd

    from order_lines
    group by order_id

),

final as (

    select

        ---------- keys
        order_id,
        customer_id,

        ---------- text
        country,

        ---------- numerics
        case
            when customer_id is not null
                then cast(row_number() over (partition by customer_id order by ordered_at, order_id) as integer)
        end as customer_order_number,
        cast(line_count as integer) as line_count,
        cast(unit_count as bigint) as unit_count,
        cast(gross_revenue_gbp as decimal(18, 4)) as gross_revenue_gbp,
        cast(gross_revenue_eur as decimal(18, 4)) as gross_revenue_eur,
        cast(gross_revenue_usd as decimal(18, 4)) as gross_revenue_usd,

        ---------- timestamps
        ordered_at,
        ordered_date

    from orders

)

select * from final

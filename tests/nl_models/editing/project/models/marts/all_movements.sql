with movements as (

    select
        order_id,
        channel,
        amount_gbp
    from {{ ref('fct_orders') }}

    union all

    select
        order_id,
        channel,
        -refund_gbp as amount_gbp
    from {{ ref('raw_returns') }}

)

select
    channel,
    sum(amount_gbp) as amount_gbp
from movements
group by channel

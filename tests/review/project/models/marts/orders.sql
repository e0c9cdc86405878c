{{ config(materialized='table') }}

select
    o.order_id,
    o.customer_id,
    o.amount,
    o.status,
    c.country,
    c.email
from {{ ref('stg_orders') }} as o
left join {{ ref('stg_customers') }} as c on c.customer_id = o.customer_id

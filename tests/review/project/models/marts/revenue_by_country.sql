{{ config(materialized='table', contract={'enforced': true}) }}

select country, sum(amount)::decimal(18, 2) as revenue
from {{ ref('orders') }}
where status = 'paid'
group by country

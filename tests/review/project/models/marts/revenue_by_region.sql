{{ config(materialized='table') }}

select r.region, sum(x.revenue)::decimal(18, 2) as revenue
from {{ ref('revenue_by_country') }} as x
left join {{ ref('regions') }} as r using (country)
group by 1

select
    cast({{ dbt.date_trunc('month', 'ordered_date') }} as date) as first_of_month,
    sum(amount_eur)::decimal(18, 2) as web_revenue_eur
from {{ ref('fct_orders') }}
where channel = 'web'
group by 1

select order_month, order_count + 0 as order_total
from {{ ref('agg_sales_monthly') }}

{{ config(materialized='incremental', unique_key=['sales_month']) }}
SELECT DATE_TRUNC('month', ordered_date)::DATE AS sales_month, -- first day
       SUM(quantity)                           AS pieces
  FROM {{ ref('fct_orders') }}
{% if is_incremental() %}
 WHERE ordered_date >= (SELECT MAX(sales_month) FROM {{ this }})
{% endif %}
 GROUP BY 1

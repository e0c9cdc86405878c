{{ config(materialized='table') }}

/* Sales by channel.
   Kept as it was in the old warehouse. */
SELECT
    s.channel           -- web, shop or phone
  , COUNT(*)       AS n_orders
  , SUM(s.amount)  AS amount   -- pounds
FROM (
    SELECT channel, amount_gbp AS amount, ordered_date
    FROM {{ ref('fct_orders') }}
    WHERE quantity > 0   -- nothing empty
) AS s
GROUP BY 1
ORDER BY 2 DESC

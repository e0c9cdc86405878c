{{
  config(
    materialized = 'incremental',
    unique_key = 'ordered_date',
    on_schema_change = 'append_new_columns'
  )
}}

WITH src AS (
  SELECT * FROM {{ ref('fct_orders') }}
  {% if is_incremental() %}
  WHERE ordered_date >= (SELECT MAX(ordered_date) FROM {{ this }})
  {% endif %}
)

SELECT
  ordered_date,
  SUM(quantity) AS pieces,  -- all channels
  SUM(amount_gbp) AS amount_gbp,
FROM src
GROUP BY ordered_date

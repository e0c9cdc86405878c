{{ config(materialized='table') }}

select distinct customer_id, country from {{ ref('orders') }}

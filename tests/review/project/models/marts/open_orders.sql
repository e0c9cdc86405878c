{{ config(materialized='ephemeral') }}

select order_id from {{ ref('orders') }} where status = 'open'

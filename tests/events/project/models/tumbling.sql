{{ config(materialized='incremental', incremental_strategy='recomputed', unique_key='half_hour') }}
{%- set windows = {'half_hour': window_start('clicked_at', '30 minutes')} -%}

with

clicks as ({{ events_now(ref('int_click_events'), ['click_id'], windows) }}),

final as (

    select
        half_hour,
        count(*) as clicks,
        sum(amount) as amount,
        max(_smelt_batch_id) as _smelt_batch_id

    from clicks
    group by half_hour

)

{{ with_emptied('final', ref('int_click_events'), ['click_id'], windows) }}

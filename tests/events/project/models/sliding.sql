{{ config(materialized='incremental', incremental_strategy='recomputed', unique_key=['visitor', 'window_start']) }}
{%- set windows = {'window_start': sliding_window('clicked_at', '1 hour', '15 minutes'), 'visitor': 'visitor'} -%}

with

clicks as ({{ events_now(ref('int_click_events'), ['click_id'], windows) }}),

final as (

    select
        visitor,
        window_start,
        count(*) as clicks,
        sum(amount) as amount,
        max(_smelt_batch_id) as _smelt_batch_id

    from clicks
    group by visitor, window_start

)

{{ with_emptied('final', ref('int_click_events'), ['click_id'], windows) }}

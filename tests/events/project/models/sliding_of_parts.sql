{{ config(materialized='incremental', incremental_strategy='recomputed', unique_key='window_start') }}
{%- set of_clicks = {'window_start': sliding_window('clicked_at', '2 hours', '1 hour')} -%}
{%- set of_parts = {'window_start': sliding_window('half_hour', '2 hours', '1 hour')} -%}

with

parts as ({{ in_windows(ref('tumbling'), of_parts) }}),

touched as ({{ only_touched('parts', ref('int_click_events'), ['click_id'], of_clicks) }}),

final as (

    select
        window_start,
        sum(clicks)::bigint as clicks,
        sum(amount) as amount,
        max(_smelt_batch_id) as _smelt_batch_id

    from touched
    group by window_start

)

{{ with_emptied('final', ref('int_click_events'), ['click_id'], of_clicks) }}

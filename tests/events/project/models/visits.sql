{{ config(materialized='incremental', incremental_strategy='recomputed', unique_key='visitor') }}
{%- set windows = {'visitor': 'visitor'} -%}

with

clicks as ({{ events_now(ref('int_click_events'), ['click_id'], windows) }}),

in_sessions as ({{ sessions('clicks', by=['visitor'], time='clicked_at', gap='20 minutes') }}),

final as (

    select
        visitor,
        session_number,
        session_start,
        session_end,
        count(*) as clicks,
        sum(amount) as amount,
        max(_smelt_batch_id) as _smelt_batch_id

    from in_sessions
    group by visitor, session_number, session_start, session_end

)

{{ with_emptied('final', ref('int_click_events'), ['click_id'], windows) }}

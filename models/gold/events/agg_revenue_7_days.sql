{%- set key = ['order_id', 'line_number'] -%}
{%- set days_of_lines = {'window_start': sliding_window('invoiced_at', size='7 days', hop='1 day')} -%}
{%- set days_of_hours = {'window_start': sliding_window('hour_start', size='7 days', hop='1 day')} -%}

with

hours as (

    {{ in_windows(ref('agg_revenue_hourly'), days_of_hours) }}

),

hours_to_sum as (

    {{ only_touched('hours', ref('int_order_line_events'), key, days_of_lines) }}

),

final as (

    select

        ---------- keys
        window_start,

        ---------- numerics
        cast(sum(line_count) as bigint) as line_count,
        cast(sum(unit_count) as bigint) as unit_count,
        cast(sum(revenue_gbp) as decimal(18, 4)) as revenue_gbp,

        ---------- timestamps
        {{ later('window_start', '7 days') }} as window_end,

        ---------- audit
        max(_smelt_batch_id) as _smelt_batch_id

    from hours_to_sum
    group by window_start

),

recomputed as (

    {{ with_emptied('final', ref('int_order_line_events'), key, days_of_lines) }}

)

select * from recomputed

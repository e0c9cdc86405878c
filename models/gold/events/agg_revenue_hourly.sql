{%- set key = ['order_id', 'line_number'] -%}
{%- set hour = {'hour_start': window_start('invoiced_at', '1 hour')} -%}

with

order_lines as (

    {{ events_now(ref('int_order_line_events'), key, hour) }}

),

final as (

    select

        ---------- keys
        hour_start,

        ---------- numerics
        count(distinct order_id) as order_count,
        count(*) as line_count,
        cast(sum(quantity) as bigint) as unit_count,
        cast(sum(amount_gbp) as decimal(18, 4)) as revenue_gbp,

        ---------- audit
        max(_smelt_batch_id) as _smelt_batch_id

    from order_lines
    group by hour_start

),

recomputed as (

    {{ with_emptied('final', ref('int_order_line_events'), key, hour) }}

)

select * from recomputed

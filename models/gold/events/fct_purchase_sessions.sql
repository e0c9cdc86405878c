{%- set customer = {'customer_id': 'customer_id'} -%}

with

orders as (

    {{ events_now(ref('int_order_events'), ['order_id'], customer) }}

),

in_sessions as (

    {{ sessions('orders', by=['customer_id'], time='ordered_at', gap='3 days') }}

),

final as (

    select

        ---------- keys
        customer_id,
        cast(session_number as integer) as session_number,

        ---------- numerics
        count(*) as order_count,

        ---------- timestamps
        session_start,
        session_end,

        ---------- audit
        max(_smelt_batch_id) as _smelt_batch_id

    from in_sessions
    group by customer_id, session_number, session_start, session_end

),

recomputed as (

    {{ with_emptied('final', ref('int_order_events'), ['order_id'], customer) }}

)

select * from recomputed

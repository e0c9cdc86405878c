with

judged as (

    {{ judged_events(
        ref('int_orders__checked'), ['order_id'], 'ordered_at', ['customer_id'], delay='1 hour', lateness='30 days'
    ) }}

),

final as (

    select

        ---------- keys
        order_id,
        customer_id,

        ---------- timestamps
        ordered_at,

        ---------- audit
        {{ audit_columns() }},
        _smelt_op,
        _smelt_event_time,
        _smelt_watermark,
        _smelt_verdict

    from judged

)

select * from final

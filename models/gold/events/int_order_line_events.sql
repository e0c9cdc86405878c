with

judged as (

    {{ judged_events(
        ref('int_order_lines__checked'), ['order_id', 'line_number'], 'invoiced_at', ['quantity', 'unit_price'],
        delay='1 hour', lateness='30 days'
    ) }}

),

final as (

    select

        ---------- keys
        order_id,
        line_number,

        ---------- numerics
        quantity,
        cast(quantity * unit_price as decimal(18, 4)) as amount_gbp,

        ---------- timestamps
        invoiced_at,

        ---------- audit
        {{ audit_columns() }},
        _smelt_op,
        _smelt_event_time,
        _smelt_watermark,
        _smelt_verdict

    from judged

)

select * from final

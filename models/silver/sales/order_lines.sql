with

latest as (

    {{ latest_valid(ref('int_order_lines__checked'), ['order_id', 'line_number']) }}

),

repeated as (

    -- lines of an order that an earlier line already says: counted first, so that only the few repeats are ranked
    select
        order_id,
        stock_code,
        coalesce(description, '') as description,
        quantity,
        unit_price,
        min(line_number) as first_line_number

    from latest
    group by order_id, stock_code, coalesce(description, ''), quantity, unit_price
    having count(*) > 1

),

final as (

    select

        ---------- ids
        latest.order_id,
        latest.line_number,
        latest.stock_code,

        ---------- text
        latest.description,

        ---------- numerics
        latest.quantity,
        latest.unit_price,

        ---------- booleans
        coalesce(latest.line_number > repeated.first_line_number, false) as is_repeated_line,

        ---------- timestamps
        latest.invoiced_at,

        ---------- audit
        {{ audit_columns('latest') }}

    from latest
    left join repeated
        on
            latest.order_id = repeated.order_id
            and latest.stock_code = repeated.stock_code
            and coalesce(latest.description, '') = repeated.description
            and latest.quantity = repeated.quantity
            and latest.unit_price = repeated.unit_price

)

select * from final

with

latest as (

    {{ latest_valid(ref('int_orders__checked'), ['order_id']) }}

),

final as (

    select

        ---------- ids
        order_id,
        customer_id,

        ---------- text
        country,

        ---------- timestamps
        ordered_at,

        ---------- audit
        {{ audit_columns() }}

    from latest

)

select * from final

with

latest as (

    {{ latest_valid(ref('int_returns__checked'), ['return_id', 'line_number']) }}

),

final as (

    select

        ---------- ids
        return_id,
        line_number,
        stock_code,
        customer_id,

        ---------- text
        description,
        country,

        ---------- numerics
        quantity,
        unit_price,

        ---------- timestamps
        returned_at,

        ---------- audit
        {{ audit_columns() }}

    from latest

)

select * from final

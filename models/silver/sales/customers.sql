with

latest as (

    {{ latest_valid(ref('int_customers__checked'), ['customer_id']) }}

),

final as (

    select

        ---------- ids
        customer_id,

        ---------- text
        country,

        ---------- audit
        {{ audit_columns() }}

    from latest

)

select * from final

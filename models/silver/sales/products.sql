with

latest as (

    {{ latest_valid(ref('int_products__checked'), ['stock_code']) }}

),

final as (

    select

        ---------- ids
        stock_code,

        ---------- text
        description,

        ---------- booleans
        -- goods have a number of five digits, with or without letters; the rest is postage, fees, tests and adjustments
        length(stock_code) >= 5 and translate(left(stock_code, 5), '0123456789', '') = '' as is_merchandise,

        ---------- audit
        {{ audit_columns() }}

    from latest

)

select * from final

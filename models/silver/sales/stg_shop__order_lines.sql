with

source as (

    select * from {{ source('shop', 'order_lines') }}

),

renamed as (

    select

        ---------- ids
        nullif(trim(order_id), '') as order_id,
        cast(line_number as integer) as line_number,
        nullif(trim(stock_code), '') as stock_code,

        ---------- text
        {{ text_or_null('description') }} as description,

        ---------- numerics
        cast(quantity as integer) as quantity,
        cast(unit_price as decimal(12, 4)) as unit_price,

        ---------- timestamps
        cast(invoiced_at as timestamp) as invoiced_at,

        ---------- audit
        _smelt_batch_id,
        _smelt_source_position,
        _smelt_loaded_at,
        _smelt_op

    from source

)

select * from renamed

with

source as (

    select * from {{ source('shop', 'products') }}

),

renamed as (

    select

        ---------- ids
        nullif(trim(stock_code), '') as stock_code,

        ---------- text
        {{ text_or_null('description') }} as description,

        ---------- numerics
        cast(list_price as decimal(12, 4)) as list_price,

        ---------- audit
        _smelt_batch_id,
        _smelt_source_position,
        _smelt_loaded_at,
        _smelt_op

    from source

)

select * from renamed

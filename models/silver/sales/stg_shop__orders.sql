with

source as (

    select * from {{ source('shop', 'orders') }}

),

renamed as (

    select

        ---------- ids
        nullif(trim(order_id), '') as order_id,
        cast(customer_id as integer) as customer_id,

        ---------- text
        {{ text_or_null('country') }} as country,

        ---------- timestamps
        cast(ordered_at as timestamp) as ordered_at,

        ---------- audit
        _smelt_batch_id,
        _smelt_source_position,
        _smelt_loaded_at,
        _smelt_op

    from source

)

select * from renamed

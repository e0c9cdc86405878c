with

source as (

    select * from {{ source('shop', 'customers') }}

),

renamed as (

    select

        ---------- ids
        cast(customer_id as integer) as customer_id,

        ---------- text
        {{ text_or_null('country') }} as country,

        ---------- audit
        _smelt_batch_id,
        _smelt_source_position,
        _smelt_loaded_at,
        {{ changed_at(source('shop', 'customers')) }} as _smelt_changed_at,
        _smelt_op

    from source

)

select * from renamed

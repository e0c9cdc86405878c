with

source as (

    select * from {{ source('returns', 'lines') }}

),

renamed as (

    select

        ---------- ids
        nullif(trim(invoice_no), '') as return_id,
        try_cast(line_number as integer) as line_number,
        nullif(trim(stock_code), '') as stock_code,
        try_cast(nullif(trim(customer_id), '') as integer) as customer_id,

        ---------- text
        {{ text_or_null('description') }} as description,
        {{ text_or_null('country') }} as country,
        nullif(trim(customer_id), '') as customer_id_as_written,

        ---------- numerics
        -- the export counts returned units below zero
        -try_cast(quantity as integer) as quantity,
        try_cast(unit_price as decimal(12, 4)) as unit_price,

        ---------- timestamps
        try_cast(invoice_date as timestamp) as returned_at,

        ---------- audit
        _smelt_batch_id,
        _smelt_source_position,
        _smelt_loaded_at,
        _smelt_op

    from source

)

select * from renamed

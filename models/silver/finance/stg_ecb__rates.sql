with

source as (

    select * from {{ source('ecb', 'rates') }}

),

renamed as (

    select

        ---------- ids
        try_cast(date as date) as rate_date,
        upper(trim(currency)) as currency,

        ---------- numerics
        try_cast(rate as decimal(18, 6)) as units_per_eur,

        ---------- audit
        _smelt_batch_id,
        _smelt_source_position,
        _smelt_loaded_at,
        _smelt_op

    from source

)

select * from renamed

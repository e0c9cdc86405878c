with

source as (

    select * from {{ source('shop', 'products') }}

),

broken as (

    select
        checked._smelt_batch_id,
        checked._smelt_source_position,
        checked._smelt_broken_rules

    from {{ ref('int_products__checked') }} as checked
    where not ({{ is_valid('checked') }})

),

final as (

    -- the rows as they came, so that what was wrong can still be seen
    select
        source.*,
        broken._smelt_broken_rules

    from source
    inner join broken
        on
            source._smelt_batch_id = broken._smelt_batch_id
            and source._smelt_source_position = broken._smelt_source_position

)

select * from final

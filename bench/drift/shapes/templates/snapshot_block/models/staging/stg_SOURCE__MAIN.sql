with

source as (

    select * from {{ ref('snap_<<source>>__<<main>>') }}
    where dbt_valid_to is null

),

renamed as (

    select
        -- ids
        <<col('key')>>,
        <<col('ref')>>,
        <<col('code')>>,

        -- attributes
        lower(trim(<<c.status>>)) as <<s.status>>,
        <<col('person')>>,
        <<col('street')>>,
        <<col('house')>>,
        <<c.place>>.<<f.first>> as <<s.place>>_<<f.first>>,
        <<c.place>>.<<f.second>> as <<s.place>>_<<f.second>>,
        <<col('note')>>,
        <<col('flag')>>,

        -- numerics
        <<col('amount')>>,
        <<col('quantity')>>,
        <<col('duration')>>,
        <<col('share')>>,  -- per cent

        -- timestamps
        cast(<<c.day>> as date) as <<s.day>>,
        <<col('at')>>,
        <<col('updated')>>

    from source

)

select * from renamed

with

unioned as (

    select * from {{ ref('stg_<<source>>__<<main>>') }}
    union all
    select * from {{ ref('stg_<<source>>__<<twin>>') }}

)

select * from unioned

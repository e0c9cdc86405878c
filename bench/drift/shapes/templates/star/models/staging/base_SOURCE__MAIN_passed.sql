-- everything that the source has
with source as (select * from {{ ref('base_<<source>>__<<main>>') }})

select source.* from source

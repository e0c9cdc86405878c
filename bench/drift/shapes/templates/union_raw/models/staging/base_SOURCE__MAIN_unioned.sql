{{ config(materialized='view') }}

select *, '<<main>>' as origin from {{ source('<<source>>', '<<main>>') }}
union all
select *, '<<twin>>' from {{ source('<<source>>', '<<twin>>') }}

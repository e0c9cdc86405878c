{{ config(materialized='view') }}

select
    *,
    {{ broken_rules({'amount_not_negative': 'amount >= 0'}) }} as _smelt_broken_rules

from {{ source('web', 'clicks') }}

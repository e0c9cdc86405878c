with counts as (
    select
        'shop.orders' as stream,
        (select count(*) from {{ source('shop', 'orders') }}) as bronze,
        (select count(*) from {{ ref('orders') }}) as silver,
        (select count(*) from {{ ref('quarantine_orders') }}) as quarantined,
        0::bigint as superseded,
        0::bigint as tombstones,
        0::bigint as expired,
)

select
    *,
    bronze = silver + quarantined as is_balanced,
from counts

with counts as (
    select
        'shop.orders' as stream,
        (select count(*) from {{ source('shop', 'orders') }}) as bronze_rows,
        (select count(*) from {{ ref('orders') }}) as silver_rows,
        (select count(*) from {{ ref('quarantine_orders') }}) as quarantined_rows,
        0::bigint as superseded_rows,
        0::bigint as tombstone_rows
)

select
    *,
    bronze_rows = silver_rows + quarantined_rows as is_balanced
from counts

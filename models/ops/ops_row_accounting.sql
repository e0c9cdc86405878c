with

accounts as (

    select * from {{ source('ledger', 'row_accounts') }}

),

ranked as (

    select
        *,
        row_number() over (partition by stream order by event_id desc) as recency

    from accounts

),

final as (

    select

        ---------- ids
        recent.stream,

        ---------- numerics
        recent.bronze as bronze_rows,
        recent.silver as silver_rows,
        recent.quarantined as quarantined_rows,
        recent.superseded as superseded_rows,
        recent.tombstones as tombstone_rows,
        recent.expired as expired_rows,

        ---------- booleans
        recent.is_balanced,

        ---------- timestamps
        recent.at as counted_at

    from ranked as recent
    where recent.recency = 1

)

select * from final

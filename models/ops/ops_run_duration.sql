with

events as (

    select * from {{ source('ledger', 'run_events') }}

),

final as (

    select

        ---------- ids
        kind,

        ---------- numerics
        cast(count(*) as bigint) as run_count,
        cast(percentile_cont(0.5) within group (order by seconds) as double) as median_seconds,
        cast(percentile_cont(0.95) within group (order by seconds) as double) as p95_seconds

    from events
    where event = 'complete'
    group by kind

)

select * from final

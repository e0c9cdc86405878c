with

events as (

    select * from {{ source('ledger', 'run_events') }}

),

runs as (

    select
        kind,
        run_id,
        max(case when event = 'complete' then 1 else 0 end) as is_complete,
        max(case when event = 'fail' then 1 else 0 end) as is_failed

    from events
    group by kind, run_id

),

final as (

    select

        ---------- ids
        kind,

        ---------- numerics
        cast(count(*) as bigint) as run_count,
        cast(sum(is_complete) as bigint) as complete_count,
        cast(sum(is_failed) as bigint) as failed_count,
        cast(count(*) - sum(is_complete) - sum(is_failed) as bigint) as unended_count,
        cast(sum(is_complete) as double) / count(*) as success_rate

    from runs
    group by kind

)

select * from final

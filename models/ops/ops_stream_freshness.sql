with

streams as (

    select * from {{ source('ledger', 'streams') }}

),

newest_loads as (

    -- an unchanged source was looked at too: it is as fresh as one that had news
    select
        loads.source,
        loads.stream,
        max(loads.at) as loaded_at

    from {{ source('ledger', 'stream_loads') }} as loads
    where loads.outcome <> 'failed'
    group by loads.source, loads.stream

),

aged as (

    select
        streams.source,
        streams.stream,
        streams.owner,
        newest_loads.loaded_at,
        streams.freshness_sla_seconds,
        {{ dbt.datediff('newest_loads.loaded_at', run_time(), 'second') }} as age_seconds

    from streams
    left join newest_loads
        on
            streams.source = newest_loads.source
            and streams.stream = newest_loads.stream

),

final as (

    select

        ---------- ids
        source,
        stream,

        ---------- text
        owner,

        ---------- timestamps
        loaded_at,

        ---------- numerics
        cast(age_seconds as bigint) as age_seconds,
        cast(freshness_sla_seconds as double) as freshness_sla_seconds,

        ---------- booleans
        loaded_at is null or coalesce(age_seconds > freshness_sla_seconds, false) as is_late

    from aged

)

select * from final

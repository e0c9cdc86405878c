with

loads as (

    select * from {{ source('ledger', 'stream_loads') }}
    where outcome <> 'failed'

),

daily as (

    select
        loads.source,
        loads.stream,
        cast(loads.at as date) as load_date,
        count(*) as load_count,
        sum(coalesce(loads.rows_loaded, 0)) as rows_loaded,
        sum(coalesce(loads.dead_letters, 0)) as dead_letters,
        sum(coalesce(loads.bytes, 0)) as loaded_bytes

    from loads
    group by loads.source, loads.stream, cast(loads.at as date)

),

compared as (

    select
        *,
        avg(rows_loaded) over (
            partition by source, stream order by load_date rows between 7 preceding and 1 preceding
        ) as usual_rows

    from daily

),

final as (

    select

        ---------- ids
        source,
        stream,
        load_date,

        ---------- numerics
        cast(load_count as bigint) as load_count,
        cast(rows_loaded as bigint) as rows_loaded,
        cast(dead_letters as bigint) as dead_letters,
        cast(loaded_bytes as bigint) as loaded_bytes,
        cast(usual_rows as double) as usual_rows,
        cast(rows_loaded / nullif(usual_rows, 0) as double) as ratio_to_usual

    from compared

)

select * from final

with

results as (

    select * from {{ source('ledger', 'gate_results') }}

),

ranked as (

    select
        *,
        row_number() over (partition by dataset, check_name order by event_id desc) as recency

    from results

),

final as (

    select

        ---------- ids
        recent.dataset,
        recent.check_name,

        ---------- text
        recent.check_type,
        recent.gate,
        recent.outcome,
        recent.message,

        ---------- timestamps
        recent.at as checked_at

    from ranked as recent
    where recent.recency = 1

)

select * from final

with

final as (

    select
        count(*) as day_count,
        {{ dbt.datediff('min(date_day)', 'max(date_day)', 'day') }} + 1 as day_span
    from {{ ref('dim_dates') }}
    having count(*) > 0

)

select * from final
where day_count <> day_span

with

orders as (

    select * from {{ ref('orders') }}

),

returns as (

    select * from {{ ref('returns') }}

),

event_days as (

    select
        cast(ordered_at as date) as event_day
    from orders

    union all

    select
        cast(returned_at as date) as event_day
    from returns

),

bounds as (

    -- whole years, so that every month, quarter and year of the calendar is complete
    select
        cast({{ dbt.date_trunc('year', 'min(event_day)') }} as date) as first_day,
        cast(extract(year from max(event_day)) as integer) as last_year
    from event_days

),

numbers as (

    {{ dbt.generate_series(65536) }}

),

days as (

    select
        bounds.last_year,
        cast(
            {{ dbt.dateadd('day', 'cast(numbers.generated_number as integer) - 1', 'bounds.first_day') }} as date
        ) as date_day

    from bounds
    cross join numbers

),

numbered as (

    select
        date_day,
        cast(extract(year from date_day) as integer) as calendar_year,
        cast(extract(quarter from date_day) as integer) as quarter_of_year,
        cast(extract(month from date_day) as integer) as month_of_year,
        cast(extract(week from date_day) as integer) as iso_week_of_year,
        cast(extract(day from date_day) as integer) as day_of_month,
        -- 1 January 1900 was a Monday: engines disagree on how to number weekdays, not on how to count days
        cast(
            mod({{ dbt.datediff("cast('1900-01-01' as date)", 'date_day', 'day') }}, 7) + 1 as integer
        ) as iso_day_of_week

    from days

    where extract(year from date_day) <= last_year

),

final as (

    select

        ---------- keys
        date_day,

        ---------- text
        case iso_day_of_week
            when 1 then 'Monday'
            when 2 then 'Tuesday'
            when 3 then 'Wednesday'
            when 4 then 'Thursday'
            when 5 then 'Friday'
            when 6 then 'Saturday'
            else 'Sunday'
        end as day_name,

        ---------- numerics
        calendar_year,
        quarter_of_year,
        month_of_year,
        iso_week_of_year,
        day_of_month,
        iso_day_of_week,

        ---------- booleans
        iso_day_of_week >= 6 as is_weekend,
        day_of_month = 1 as is_month_start,

        ---------- timestamps
        cast({{ dbt.date_trunc('month', 'date_day') }} as date) as month_start,
        cast({{ dbt.date_trunc('quarter', 'date_day') }} as date) as quarter_start,
        cast({{ dbt.date_trunc('year', 'date_day') }} as date) as year_start

    from numbered

)

select * from final

with

rates as (

    select * from {{ ref('fx_rates') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

published as (

    select
        rate_date,
        max(case when currency = 'GBP' then units_per_eur end) as gbp_per_eur,
        max(case when currency = 'USD' then units_per_eur end) as usd_per_eur

    from rates
    group by rate_date

),

days as (

    -- days before the calendar are needed too: their rates carry into its first days
    select
        date_day
    from dates

    union distinct

    select
        rate_date as date_day
    from published

),

counted as (

    -- a count that grows only on days with a rate groups each day with the last publication before it
    select
        days.date_day,
        published.gbp_per_eur,
        published.usd_per_eur,
        case when published.gbp_per_eur is not null then days.date_day end as gbp_rate_date,
        count(published.gbp_per_eur) over (order by days.date_day) as gbp_publication,
        count(published.usd_per_eur) over (order by days.date_day) as usd_publication

    from days
    left join published
        on days.date_day = published.rate_date

),

carried as (

    select
        date_day,
        max(gbp_per_eur) over (partition by gbp_publication) as gbp_per_eur,
        max(usd_per_eur) over (partition by usd_publication) as usd_per_eur,
        max(gbp_rate_date) over (partition by gbp_publication) as rate_date

    from counted

),

final as (

    select

        ---------- keys
        dates.date_day,

        ---------- numerics
        cast(carried.gbp_per_eur as decimal(18, 6)) as gbp_per_eur,
        cast(carried.usd_per_eur as decimal(18, 6)) as usd_per_eur,
        -- fixed decimals, so that converting a line is exact multiplication on every engine
        cast(1 / cast(carried.gbp_per_eur as double) as decimal(18, 8)) as eur_per_gbp,
        cast(
            cast(carried.usd_per_eur as double) / cast(carried.gbp_per_eur as double) as decimal(18, 8)
        ) as usd_per_gbp,

        ---------- timestamps
        carried.rate_date

    from dates
    inner join carried
        on dates.date_day = carried.date_day

)

select * from final

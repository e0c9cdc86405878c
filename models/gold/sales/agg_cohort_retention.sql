with

orders as (

    select * from {{ ref('fct_orders') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

order_months as (

    select
        customer_id,
        cast({{ dbt.date_trunc('month', 'ordered_date') }} as date) as order_month,
        sum(gross_revenue_gbp) as revenue_gbp

    from orders
    where customer_id is not null
    group by customer_id, cast({{ dbt.date_trunc('month', 'ordered_date') }} as date)

),

first_months as (

    select
        customer_id,
        min(order_month) as cohort_month
    from order_months
    group by customer_id

),

cohorts as (

    select
        cohort_month,
        count(*) as cohort_size
    from first_months
    group by cohort_month

),

activity as (

    select
        first_months.cohort_month,
        order_months.order_month,
        count(*) as active_customers,
        sum(order_months.revenue_gbp) as revenue_gbp

    from order_months
    inner join first_months
        on order_months.customer_id = first_months.customer_id

    group by first_months.cohort_month, order_months.order_month

),

last_month as (

    select
        max(order_month) as order_month
    from order_months

),

observed_months as (

    -- a month in which nobody of a cohort came back is a row with zero, not a gap
    select
        cohorts.cohort_month,
        cohorts.cohort_size,
        dates.date_day as order_month,
        (extract(year from dates.date_day) - extract(year from cohorts.cohort_month)) * 12
        + extract(month from dates.date_day) - extract(month from cohorts.cohort_month) as months_since_first

    from cohorts
    cross join last_month
    inner join dates
        on
            dates.is_month_start
            and dates.date_day between cohorts.cohort_month and last_month.order_month

),

final as (

    select

        ---------- keys
        observed_months.cohort_month,
        cast(observed_months.months_since_first as integer) as months_since_first,

        ---------- numerics
        cast(observed_months.cohort_size as bigint) as cohort_size,
        cast(coalesce(activity.active_customers, 0) as bigint) as active_customers,
        cast(
            cast(coalesce(activity.active_customers, 0) as double) / observed_months.cohort_size as decimal(9, 6)
        ) as retention_rate,
        cast(coalesce(activity.revenue_gbp, 0) as decimal(18, 2)) as revenue_gbp,

        ---------- timestamps
        observed_months.order_month as activity_month

    from observed_months
    left join activity
        on
            observed_months.cohort_month = activity.cohort_month
            and observed_months.order_month = activity.order_month

)

select * from final

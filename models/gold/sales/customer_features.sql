-- noqa: disable=LT02
-- (indentation of loops: the linter sees them unrolled)
{% set windows = {
    'lifetime': 'unbounded preceding',
    '30d': '30 preceding',
    '90d': '90 preceding',
    '365d': '365 preceding',
} -%}

with

orders as (

    select * from {{ ref('fct_orders') }}

),

returns as (

    select * from {{ ref('fct_returns') }}

),

dates as (

    select * from {{ ref('dim_dates') }}

),

customer_spans as (

    select
        customer_id,
        min(ordered_date) as first_ordered_date
    from orders
    where customer_id is not null
    group by customer_id

),

horizon as (

    select
        max(ordered_date) as last_ordered_date
    from orders

),

as_of_rows as (

    select
        customer_spans.customer_id,
        dates.date_day as as_of_date

    from customer_spans
    cross join horizon
    inner join dates
        on
            dates.is_month_start
            and dates.date_day > customer_spans.first_ordered_date
            and dates.date_day <= horizon.last_ordered_date

),

timeline as (

    -- events and as-of dates on one line per customer, so that a window instead of a join looks back
    select
        customer_id,
        ordered_date as timeline_date,
        cast(1 as integer) as order_count,
        unit_count,
        gross_revenue_gbp as revenue_gbp,
        cast(0 as decimal(18, 4)) as returned_gbp,
        ordered_date,
        false as is_as_of
    from orders
    where customer_id is not null

    union all

    select
        customer_id,
        returned_date as timeline_date,
        cast(0 as integer) as order_count,
        cast(0 as bigint) as unit_count,
        cast(0 as decimal(18, 4)) as revenue_gbp,
        returned_amount_gbp as returned_gbp,
        cast(null as date) as ordered_date,
        false as is_as_of
    from returns
    where customer_id is not null

    union all

    select
        customer_id,
        as_of_date as timeline_date,
        cast(0 as integer) as order_count,
        cast(0 as bigint) as unit_count,
        cast(0 as decimal(18, 4)) as revenue_gbp,
        cast(0 as decimal(18, 4)) as returned_gbp,
        cast(null as date) as ordered_date,
        true as is_as_of
    from as_of_rows

),

numbered as (

    -- range frames over whole numbers mean the same on every engine, over dates they do not
    select
        timeline.*,
        cast({{ dbt.datediff("cast('1970-01-01' as date)", 'timeline_date', 'day') }} as integer) as day_number

    from timeline

),

looked_back as (

    -- every frame ends one day before the as-of date: what happens on the day itself is the future
    select
        customer_id,
        timeline_date as as_of_date,
        is_as_of,
        max(ordered_date) over before_lifetime as last_ordered_date,
        min(ordered_date) over before_lifetime as first_ordered_date,
        {%- for suffix in windows %}
        sum(order_count) over before_{{ suffix }} as order_count_{{ suffix }},
        sum(unit_count) over before_{{ suffix }} as unit_count_{{ suffix }},
        sum(revenue_gbp) over before_{{ suffix }} as revenue_gbp_{{ suffix }},
        sum(returned_gbp) over before_{{ suffix }} as returned_gbp_{{ suffix }}{{ ',' if not loop.last }}
        {%- endfor %}

    from numbered

    window
        {%- for suffix, start in windows.items() %}
        before_{{ suffix }} as (
            partition by customer_id order by day_number range between {{ start }} and 1 preceding
        ){{ ',' if not loop.last }}
        {%- endfor %}

),

as_of_features as (

    select
        *,
        -- what the lifetime totals gained since the month before is what the month between brought
        order_count_lifetime - coalesce(lag(order_count_lifetime, 1) over by_month, 0) as order_count_previous_month,
        revenue_gbp_lifetime - coalesce(lag(revenue_gbp_lifetime, 1) over by_month, 0) as revenue_gbp_previous_month

    from looked_back

    where is_as_of

    window by_month as (partition by customer_id order by as_of_date)

),

final as (

    select

        ---------- keys
        customer_id,
        as_of_date,

        ---------- numerics
        cast({{ dbt.datediff('last_ordered_date', 'as_of_date', 'day') }} as integer) as recency_days,
        cast({{ dbt.datediff('first_ordered_date', 'as_of_date', 'day') }} as integer) as tenure_days,
        cast(order_count_lifetime as bigint) as frequency,
        cast(revenue_gbp_lifetime as decimal(18, 2)) as monetary_gbp,
        cast(returned_gbp_lifetime as decimal(18, 2)) as returned_gbp,
        {%- for suffix in windows if suffix != 'lifetime' %}
        cast(coalesce(order_count_{{ suffix }}, 0) as bigint) as order_count_{{ suffix }},
        cast(coalesce(unit_count_{{ suffix }}, 0) as bigint) as unit_count_{{ suffix }},
        cast(coalesce(revenue_gbp_{{ suffix }}, 0) as decimal(18, 2)) as revenue_gbp_{{ suffix }},
        cast(coalesce(returned_gbp_{{ suffix }}, 0) as decimal(18, 2)) as returned_gbp_{{ suffix }},
        {%- endfor %}
        cast(order_count_previous_month as bigint) as order_count_lag_1m,
        cast(coalesce(lag(order_count_previous_month, 1) over by_month, 0) as bigint) as order_count_lag_2m,
        cast(coalesce(lag(order_count_previous_month, 2) over by_month, 0) as bigint) as order_count_lag_3m,
        cast(revenue_gbp_previous_month as decimal(18, 2)) as revenue_gbp_lag_1m,
        cast(coalesce(lag(revenue_gbp_previous_month, 1) over by_month, 0) as decimal(18, 2)) as revenue_gbp_lag_2m,
        cast(coalesce(lag(revenue_gbp_previous_month, 2) over by_month, 0) as decimal(18, 2)) as revenue_gbp_lag_3m

    from as_of_features

    window by_month as (partition by customer_id order by as_of_date)

)

select * from final

with

features as (

    select * from {{ ref('customer_features') }}

),

orders as (

    select * from {{ ref('fct_orders') }}

),

recomputed as (

    -- the same figures by a plain join instead of windows
    select
        features.customer_id,
        features.as_of_date,
        count(*) as frequency,
        cast(sum(orders.gross_revenue_gbp) as decimal(18, 2)) as monetary_gbp,
        max(orders.ordered_date) as last_ordered_date

    from features
    inner join orders
        on
            features.customer_id = orders.customer_id
            and orders.ordered_date < features.as_of_date

    group by features.customer_id, features.as_of_date

),

final as (

    select
        features.customer_id,
        features.as_of_date,
        features.frequency,
        recomputed.frequency as recomputed_frequency

    from features
    left join recomputed
        on
            features.customer_id = recomputed.customer_id
            and features.as_of_date = recomputed.as_of_date

    where
        recomputed.customer_id is null
        or features.frequency <> recomputed.frequency
        or features.monetary_gbp <> recomputed.monetary_gbp
        or features.recency_days
        <> {{ dbt.datediff('recomputed.last_ordered_date', 'features.as_of_date', 'day') }}

)

select * from final

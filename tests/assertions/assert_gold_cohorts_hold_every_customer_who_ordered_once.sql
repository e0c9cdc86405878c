with

cohort_customers as (

    select
        sum(cohort_size) as customer_count
    from {{ ref('agg_cohort_retention') }}
    where months_since_first = 0

),

ordering_customers as (

    select
        count(distinct customer_id) as customer_count
    from {{ ref('fct_orders') }}

),

final as (

    select
        cohort_customers.customer_count as in_cohorts,
        ordering_customers.customer_count as ordering

    from cohort_customers
    cross join ordering_customers

    where coalesce(cohort_customers.customer_count, 0) <> ordering_customers.customer_count

)

select * from final

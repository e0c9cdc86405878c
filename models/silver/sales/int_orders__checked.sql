with

orders as (

    select * from {{ ref('stg_shop__orders') }}

),

checked as (

    select
        *,
        {{ broken_rules({
            'order_id_present': 'order_id is not null',
            'country_present': 'country is not null',
            'ordered_at_plausible': "ordered_at >= timestamp '2000-01-01 00:00:00'"
        }) }} as _smelt_broken_rules

    from orders

)

select * from checked

with

customers as (

    select * from {{ ref('stg_shop__customers') }}

),

checked as (

    select
        *,
        {{ broken_rules({
            'customer_id_present': 'customer_id is not null',
            'country_present': 'country is not null'
        }) }} as _smelt_broken_rules

    from customers

)

select * from checked

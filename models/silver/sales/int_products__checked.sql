with

products as (

    select * from {{ ref('stg_shop__products') }}

),

checked as (

    select
        *,
        {{ broken_rules({
            'stock_code_present': 'stock_code is not null'
        }) }} as _smelt_broken_rules

    from products

)

select * from checked

with

returns as (

    select * from {{ ref('stg_returns__lines') }}

),

checked as (

    select
        *,
        {{ broken_rules({
            'return_id_present': 'return_id is not null',
            'line_number_positive': 'line_number >= 1',
            'stock_code_present': 'stock_code is not null',
            'customer_id_numeric_if_given': 'customer_id is not null or customer_id_as_written is null',
            'country_present': 'country is not null',
            'quantity_positive': 'quantity > 0',
            'unit_price_positive': 'unit_price > 0',
            'returned_at_plausible': "returned_at >= timestamp '2000-01-01 00:00:00'"
        }) }} as _smelt_broken_rules

    from returns

)

select * from checked

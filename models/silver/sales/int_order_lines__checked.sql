with

order_lines as (

    select * from {{ ref('stg_shop__order_lines') }}

),

checked as (

    select
        *,
        {{ broken_rules({
            'order_id_present': 'order_id is not null',
            'line_number_positive': 'line_number >= 1',
            'stock_code_present': 'stock_code is not null',
            'quantity_positive': 'quantity > 0',
            'unit_price_positive': 'unit_price > 0',
            'invoiced_at_plausible': "invoiced_at >= timestamp '2000-01-01 00:00:00'"
        }) }} as _smelt_broken_rules

    from order_lines

)

select * from checked

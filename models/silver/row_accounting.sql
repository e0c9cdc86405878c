with

accounts as (

    {{ row_account(
        'shop.customers', source('shop', 'customers'), ref('int_customers__checked'), ref('customers'),
        ref('quarantine_customers'), ['customer_id']
    ) }}

    union all
    {{ row_account(
        'shop.products', source('shop', 'products'), ref('int_products__checked'), ref('products'),
        ref('quarantine_products'), ['stock_code']
    ) }}

    union all
    {{ row_account(
        'shop.orders', source('shop', 'orders'), ref('int_orders__checked'), ref('orders'),
        ref('quarantine_orders'), ['order_id']
    ) }}

    union all
    {{ row_account(
        'shop.order_lines', source('shop', 'order_lines'), ref('int_order_lines__checked'), ref('order_lines'),
        ref('quarantine_order_lines'), ['order_id', 'line_number']
    ) }}

    union all
    {{ row_account(
        'returns.lines', source('returns', 'lines'), ref('int_returns__checked'), ref('returns'),
        ref('quarantine_returns'), ['return_id', 'line_number']
    ) }}

    union all
    {{ row_account(
        'ecb.rates', source('ecb', 'rates'), ref('int_fx_rates__checked'), ref('fx_rates'),
        ref('quarantine_fx_rates'), ['rate_date', 'currency']
    ) }}

),

final as (

    select
        stream,

        ---------- numerics
        bronze_rows,
        silver_rows,
        quarantined_rows,
        superseded_rows,
        tombstone_rows,
        missing_rows,
        overlapping_rows,

        ---------- booleans
        missing_rows = 0
        and overlapping_rows = 0
        and bronze_rows = silver_rows + quarantined_rows + superseded_rows + tombstone_rows as is_balanced

    from accounts

)

select * from final

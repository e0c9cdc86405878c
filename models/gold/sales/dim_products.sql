with

products as (

    select * from {{ ref('products') }}

),

returns as (

    select * from {{ ref('returns') }}

),

order_lines as (

    select * from {{ ref('fct_order_lines') }}

),

product_sales as (

    select
        stock_code,
        min(ordered_at) as first_sold_at,
        max(ordered_at) as last_sold_at,
        sum(quantity) as unit_count,
        sum(net_amount_gbp) as revenue_gbp

    from order_lines
    group by stock_code

),

numbered_returns as (

    select
        stock_code,
        description,
        row_number() over (
            partition by stock_code
            order by returned_at desc, return_id desc, line_number desc
        ) as newest_first

    from returns

),

known_products as (

    select
        stock_code,
        description,
        is_merchandise,
        true as is_in_shop
    from products

    union all

    -- goods sold before the shop's records begin, discounts and commissions appear on returns only;
    -- as in silver, goods have a number of five digits
    select
        numbered_returns.stock_code,
        numbered_returns.description,
        length(numbered_returns.stock_code) >= 5
        and translate(substring(numbered_returns.stock_code, 1, 5), '0123456789', '') = '' as is_merchandise,
        false as is_in_shop

    from numbered_returns
    left join products
        on numbered_returns.stock_code = products.stock_code

    where
        numbered_returns.newest_first = 1
        and products.stock_code is null

),

final as (

    select

        ---------- keys
        known_products.stock_code,

        ---------- text
        known_products.description,

        ---------- numerics
        cast(coalesce(product_sales.unit_count, 0) as bigint) as unit_count,
        cast(coalesce(product_sales.revenue_gbp, 0) as decimal(18, 2)) as revenue_gbp,

        ---------- booleans
        known_products.is_merchandise,
        known_products.is_in_shop,

        ---------- timestamps
        product_sales.first_sold_at,
        product_sales.last_sold_at

    from known_products
    left join product_sales
        on known_products.stock_code = product_sales.stock_code

)

select * from final

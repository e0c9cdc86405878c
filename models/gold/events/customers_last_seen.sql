with

ordered as (

    -- from the shop's log
    select
        customer_id,
        country,
        ordered_at as seen_at,
        'c' as _smelt_op,
        {{ audit_columns() }}

    from {{ ref('orders') }}
    where customer_id is not null

),

returned as (

    -- from files; the warehouse copies what is on the parcel, so at the same time the shop, which is named first, is right
    select
        customer_id,
        country,
        returned_at as seen_at,
        'c' as _smelt_op,
        {{ audit_columns() }}

    from {{ ref('returns') }}
    where customer_id is not null

),

latest as (

    {{ latest_of_sources(
        {'shop.orders': 'ordered', 'returns.lines': 'returned'},
        key=['customer_id'], time='seen_at', columns=['country']
    ) }}

),

final as (

    select

        ---------- keys
        customer_id,

        ---------- text
        country,
        _smelt_source as source_stream,

        ---------- timestamps
        seen_at

    from latest

)

select * from final

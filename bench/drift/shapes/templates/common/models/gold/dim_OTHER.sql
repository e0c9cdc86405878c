with

<<main>> as (

    select
        <<s.ref>>,
        count(*) as row_count,
        sum(<<s.amount>>) as total,
        count(distinct <<s.code>>) as codes,
        max(<<s.at>>) as last_at
    from {{ ref('<<feed>>') }}
    group by <<s.ref>>

)

select
    <<other>>.<<s.ref>>,
    <<other>>.<<o.name>>,
    <<other>>.<<o.place>>,
    <<other>>.<<o.group>>,
    coalesce(<<main>>.row_count, 0) as row_count,
    <<main>>.total,
    <<main>>.codes,
    <<main>>.last_at
from {{ ref('stg_<<source>>__<<other>>') }} as <<other>>
left join <<main>> on <<other>>.<<s.ref>> = <<main>>.<<s.ref>>

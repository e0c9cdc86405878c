with

<<main>> as (

    select * from {{ ref('<<feed>>') }}

),

<<other>> as (

    select * from {{ ref('stg_<<source>>__<<other>>') }}

),

final as (

    select
        <<main>>.<<s.key>>,
        <<main>>.<<s.ref>>,
        <<other>>.<<o.name>>,
        <<main>>.<<s.code>>,
        <<main>>.<<s.status>>,
        <<main>>.<<s.person>>,
        <<main>>.<<s.street>> || ' ' || <<main>>.<<s.house>> as whole_address,
        <<main>>.<<s.place>>_<<f.first>>,
        <<main>>.<<s.place>>_<<f.second>>,
        <<main>>.<<s.note>>,
        <<main>>.<<s.flag>>,
        <<main>>.<<s.amount>>,
        <<main>>.<<s.amount>> * (1 - <<main>>.<<s.share>> / 100) as kept_amount,
        <<main>>.<<s.quantity>>,
        <<main>>.<<s.duration>> / 60 as minutes,
        <<main>>.<<s.share>>,
        <<main>>.<<s.day>>,
        <<main>>.<<s.at>>
    from <<main>>
    left join <<other>> on <<main>>.<<s.ref>> = <<other>>.<<s.ref>>

)

select * from final

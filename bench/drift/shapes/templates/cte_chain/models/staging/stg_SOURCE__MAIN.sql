with

landed as (

    select *
    from {{ source('<<source>>', '<<main>>') }}
    where <<c.key>> is not null

),

typed as (

    select
        <<c.key>>,
        <<c.ref>>,
        <<c.code>>,
        lower(trim(<<c.status>>)) as current_status,
        <<c.person>>,
        <<c.street>>,
        <<c.house>>,
        <<c.place>>,
        <<c.note>>,
        <<c.flag>>,
        <<c.amount>>,
        <<c.quantity>>,
        <<c.duration>>,
        <<c.share>>,
        <<c.day>>::date as parsed_day,
        <<c.at>>,
        <<c.updated>>
    from landed

),

latest as (

    select
        *,
        row_number() over (partition by <<c.key>> order by <<c.updated>> desc) as version
    from typed

)

select
    <<col('key', 'latest')>>,
    <<col('ref', 'latest')>>,
    <<col('code', 'latest')>>,
    latest.current_status as <<s.status>>,
    <<col('person', 'latest')>>,
    <<col('street', 'latest')>>,
    <<col('house', 'latest')>>,
    latest.<<c.place>>.<<f.first>> as <<s.place>>_<<f.first>>,
    latest.<<c.place>>.<<f.second>> as <<s.place>>_<<f.second>>,
    <<col('note', 'latest')>>,
    <<col('flag', 'latest')>>,
    <<col('amount', 'latest')>>,
    <<col('quantity', 'latest')>>,
    <<col('duration', 'latest')>>,
    <<col('share', 'latest')>>,
    latest.parsed_day as <<s.day>>,
    <<col('at', 'latest')>>,
    <<col('updated', 'latest')>>
from latest
where version = 1

with raw_<<main>> as (
    select *, upper(<<c.person>>) as loud from {{ source("<<source>>", "<<main>>") }}
)

select
    <<c.code>> as <<s.code>>,
    max(loud) as last_person,
    round(avg(<<c.share>>), 6) as mean_share,
    min(<<c.street>> || ' ' || <<c.house>>) as first_address,
    max(<<c.place>>.<<f.first>>) as last_place
from raw_<<main>>
where <<c.quantity>> > 0
group by <<c.code>>

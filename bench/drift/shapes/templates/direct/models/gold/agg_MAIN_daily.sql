{# reads the source itself, past staging #}
select
    cast(m.<<c.day>> as date) as <<s.day>>,
    lower(trim(m.<<c.status>>)) as <<s.status>>,
    count(*) as row_count,
    sum(m.<<c.amount>>) as <<s.amount>>,
    sum(m.<<c.quantity>>) as <<s.quantity>>,
    avg(m.<<c.duration>>) as mean_seconds,
    count(m.<<c.note>>) as noted,
    sum(case when m.<<c.flag>> then 1 else 0 end) as flagged,
    sum(case when extract(hour from m.<<c.at>>) < 12 then 1 else 0 end) as before_noon
from {{ source('<<source>>', '<<main>>') }} as m
group by all

with

<<main>> as (

    select * from {{ ref('<<feed>>') }}

)

select
    <<s.day>>,
    <<s.status>>,
    count(*) as row_count,
    sum(<<s.amount>>) as <<s.amount>>,
    sum(<<s.quantity>>) as <<s.quantity>>,
    avg(<<s.duration>>) as mean_seconds,
    count(<<s.note>>) as noted,
    sum(case when <<s.flag>> then 1 else 0 end) as flagged,
    sum(case when extract(hour from <<s.at>>) < 12 then 1 else 0 end) as before_noon
from <<main>>
group by all

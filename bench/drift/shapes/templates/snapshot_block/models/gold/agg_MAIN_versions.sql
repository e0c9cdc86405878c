select
    <<c.key>> as <<s.key>>,
    count(*) as versions,
    min(<<c.amount>>) as least_<<s.amount>>,
    max(<<c.amount>>) as most_<<s.amount>>
from {{ ref('snap_<<source>>__<<main>>') }}
group by 1

select
    <<o.key>> as <<s.ref>>,
    <<o.name>>,
    <<o.place>>,
    <<o.group>>
from {{ source('<<source>>', '<<other>>') }}

with

source as (

    select * from {{ source('<<source>>', '<<main>>') }}

)

select
    <<col('key')>>,
    <<col('ref')>>,
    {{ trimmed('<<cj.code>>', '<<s.code>>') }},
    lower({{ "trim(<<cj.status>>)" }}) as <<s.status>>,
    {{ trimmed('<<cj.person>>', alias='<<s.person>>') }},
    {{ trimmed('<<cj.street>>', '<<s.street>>') }},
    {{ trimmed('<<cj.house>>', '<<s.house>>') }},
    <<c.place>>.<<f.first>> as <<s.place>>_<<f.first>>,
    <<c.place>>.<<f.second>> as <<s.place>>_<<f.second>>,
    <<col('note')>>,
    <<col('flag')>>,
    {{ money('<<cj.amount>>') }} as <<s.amount>>,
    <<col('quantity')>>,
    <<col('duration')>>,
    {{ share_of_hundred("<<cj.share>>") }} as <<s.share>>,
    cast(<<c.day>> as date) as <<s.day>>,
    <<col('at')>>,
    <<col('updated')>>
from source

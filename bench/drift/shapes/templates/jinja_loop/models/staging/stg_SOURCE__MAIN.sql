{% set texts = ['<<cj.code>>', '<<cj.person>>', '<<cj.street>>', '<<cj.house>>', '<<cj.note>>'] %}
{% set names = {
    '<<cj.code>>': '<<s.code>>',
    '<<cj.person>>': '<<s.person>>',
    '<<cj.street>>': '<<s.street>>',
    '<<cj.house>>': '<<s.house>>',
    '<<cj.note>>': '<<s.note>>',
} %}
{% set numbers = [('<<cj.amount>>', '<<s.amount>>'), ('<<cj.quantity>>', '<<s.quantity>>'), ('<<cj.duration>>', '<<s.duration>>')] %}

select
    <<col('key')>>,
    <<col('ref')>>,
    lower(trim(<<c.status>>)) as <<s.status>>,
    {% for column in texts %}
    {{ column }} as {{ names[column] }},
    {% endfor %}
    {%- for column, name in numbers %}
    {{ column }} as {{ name }},
    {%- endfor %}
    {% if target.type == 'duckdb' -%}
    <<col('share')>>,
    {%- else -%}
    cast(<<c.share>> as float64) as <<s.share>>,
    {%- endif %}
    <<c.place>>.<<f.first>> as <<s.place>>_<<f.first>>,
    <<c.place>>.<<f.second>> as <<s.place>>_<<f.second>>,
    <<col('flag')>>,
    cast(<<c.day>> as date) as <<s.day>>,
    <<col('at')>>,
    <<col('updated')>>
from {{ source('<<source>>', '<<main>>') }}

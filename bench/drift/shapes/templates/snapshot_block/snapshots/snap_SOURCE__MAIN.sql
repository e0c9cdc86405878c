{% snapshot snap_<<source>>__<<main>> %}

{{
    config(
        target_schema='snapshots',
        unique_key='<<y.key>>',
        strategy='check',
        check_cols=['<<y.status>>', '<<y.amount>>', '<<y.quantity>>', '<<y.duration>>', '<<y.share>>'],
    )
}}

select
    <<c.key>>,
    <<c.ref>>,
    <<c.code>>,
    <<c.status>>,
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
    <<c.day>>,
    <<c.at>>,
    <<c.updated>>
from {{ source('<<source>>', '<<main>>') }}

{% endsnapshot %}

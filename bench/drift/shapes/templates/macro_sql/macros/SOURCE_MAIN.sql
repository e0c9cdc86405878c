{# Every model that wants <<main>> has them from here. #}
{% macro read_<<main>>(relation) %}
    select
        <<col('key')>>,
        <<col('ref')>>,
        <<col('code')>>,
        lower(trim(<<c.status>>)) as <<s.status>>,
        <<col('person')>>,
        <<col('street')>>,
        <<col('house')>>,
        <<c.place>>.<<f.first>> as <<s.place>>_<<f.first>>,
        <<c.place>>.<<f.second>> as <<s.place>>_<<f.second>>,
        <<col('note')>>,
        <<col('flag')>>,
        <<col('amount')>>,
        <<col('quantity')>>,
        <<col('duration')>>,
        <<col('share')>>,
        cast(<<c.day>> as date) as <<s.day>>,
        <<col('at')>>,
        <<col('updated')>>
    from {{ relation }}
{% endmacro %}

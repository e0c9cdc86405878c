{#- One row per key out of several sources that know the same entity. The rule, in this order:

    1. the newest event time wins, whichever source it came from and whenever it arrived;
    2. at the same event time, the source that is named first;
    3. within a source, the last position: batch, then place in the batch.

    No step asks when a row arrived relative to another source, so a file that is loaded before or after the stream's
    rows gives the same result. A key whose winning row is a tombstone is gone; a tombstone needs an event time as well
    (such as its commit time), and a row without one loses against any that has one.

    sources: names → relations, in order of priority; all have the key, the columns, the time and the audit columns,
    and only rows that count (`is_valid`). key: columns; time: the column with the event time; columns: what to keep.
    The result has them, _smelt_source with the name of the winning source, and the audit columns. -#}
{% macro latest_of_sources(sources, key, time, columns) -%}
    select
        {% for column in key + [time] + columns %}{{ column }}, {% endfor %}
        _smelt_source,
        {{ audit_columns() }}

    from (
        select
            candidates.*,
            row_number() over (
                partition by {{ key | join(', ') }}
                order by
                    {{ time }} desc nulls last,
                    _smelt_priority asc,
                    _smelt_batch_id desc,
                    _smelt_source_position desc
            ) as recency

        from (
            {%- for name, relation in sources.items() %}
            select
                {% for column in key + [time] + columns %}{{ column }}, {% endfor %}
                '{{ name }}' as _smelt_source,
                {{ loop.index }} as _smelt_priority,
                _smelt_op,
                {{ audit_columns() }}
            from {{ relation }}
            {%- if not loop.last %}

            union all
            {%- endif %}
            {%- endfor %}
        ) as candidates
    ) as ranked

    where
        recency = 1
        and _smelt_op <> 'd'
{%- endmacro %}

{#- Models of windows that are corrected in incremental runs: what newer bronze rows touch is computed again, whole.

    Newer are rows that count, of batches after the newest batch in the model's own table, whatever their event time. They touch every
    window in which any version of their events lies: where an event was, and where it is now. The arguments are the same
    in all of these macros:

    judged: a relation of `judged_events`; key: the columns that identify an event; windows: as in `in_windows`, and
    the model's unique_key. The model's own table must have a column _smelt_batch_id: the newest that it counts.
    Its configuration: materialized incremental, incremental_strategy recomputed. -#}

{#- The windows to compute again: in an incremental run those that newer rows touch, else all. -#}
{% macro touched_windows(judged, key, windows) -%}
    select distinct {% for name in windows %}versions.{{ name }}{% if not loop.last %}, {% endif %}{% endfor %}
    from (
        {{ in_windows(judged, windows) }}
    ) as versions
    {%- if is_incremental() %}
    inner join (
        select distinct {{ key | join(', ') }}
        from {{ judged }} as judged
        where
            judged._smelt_verdict in ('on_time', 'late')
            and judged._smelt_batch_id > (select coalesce(max(own._smelt_batch_id), '') from {{ this }} as own)
    ) as newer
        on {% for column in key %}versions.{{ column }} = newer.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}
    {%- endif %}
{%- endmacro %}

{#- Rows of a relation that lie in windows to compute again. For aggregates of parts, such as days of hours. -#}
{% macro only_touched(relation, judged, key, windows) -%}
    select parts.*
    from {{ relation }} as parts
    {%- if is_incremental() %}
    where
        exists (
            select 1
            from (
                {{ touched_windows(judged, key, windows) }}
            ) as touched
            where {% for name in windows %}touched.{{ name }} = parts.{{ name }}{% if not loop.last %} and {% endif %}{% endfor %}
        )
    {%- endif %}
{%- endmacro %}

{#- Events as they count now, with their windows: the newest version of each that came in time, unless that deletes it;
    in an incremental run, those in windows to compute again. Events without a window (null) belong to none. -#}
{% macro events_now(judged, key, windows) -%}
    select events.*
    from (
        {{ only_touched('(' ~ in_windows(judged, windows) ~ ')', judged, key, windows) }}
    ) as events
    left join (
        {{ replaced_events(judged, key) }}
    ) as replaced
        on
            events._smelt_batch_id = replaced._smelt_batch_id
            and events._smelt_source_position = replaced._smelt_source_position

    where
        events._smelt_verdict in ('on_time', 'late')
        and events._smelt_op <> 'd'
        and replaced._smelt_batch_id is null
        {%- for name in windows %}
        and events.{{ name }} is not null
        {%- endfor %}
{%- endmacro %}

{#- Identities of versions that came in time and that a later one of their event, or its tombstone, replaces.
    Most events have one version, so only those with several are ranked. -#}
{% macro replaced_events(judged, key) -%}
        select
            ranked._smelt_batch_id,
            ranked._smelt_source_position

        from (
            select
                versions._smelt_batch_id,
                versions._smelt_source_position,
                row_number() over (
                    partition by {% for column in key %}versions.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %}
                    order by versions._smelt_batch_id desc, versions._smelt_source_position desc
                ) as recency

            from {{ judged }} as versions
            inner join (
                select {{ key | join(', ') }}
                from {{ judged }} as judged
                where judged._smelt_verdict in ('on_time', 'late')
                group by {{ key | join(', ') }}
                having count(*) > 1
            ) as repeated
                on {% for column in key %}versions.{{ column }} = repeated.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}

            where versions._smelt_verdict in ('on_time', 'late')
        ) as ranked

        where ranked.recency > 1
{%- endmacro %}

{#- The model's rows and, in an incremental run, a row for each window to compute again in which nothing is left, null but
    for its window: the strategy `recomputed` deletes by it and does not insert it. The last step of such a model. -#}
{% macro with_emptied(relation, judged, key, windows) -%}
    select * from {{ relation }}
    {%- if is_incremental() %}

    union all by name
    select touched.*
    from (
        {{ touched_windows(judged, key, windows) }}
    ) as touched
    where
        {% for name in windows %}touched.{{ name }} is not null and {% endfor %}not exists (
            select 1
            from {{ relation }} as computed
            where {% for name in windows %}computed.{{ name }} = touched.{{ name }}{% if not loop.last %} and {% endif %}{% endfor %}
        )
    {%- endif %}
{%- endmacro %}

{#- The incremental strategy `recomputed`: rows of each recomputed unique_key are deleted, and what was computed takes their
    place, in dbt's transaction. dbt's own delete+insert keeps the rows of windows for which nothing was computed. -#}
{% macro get_incremental_recomputed_sql(arg_dict) -%}
    {%- set key = [arg_dict['unique_key']] if arg_dict['unique_key'] is string else arg_dict['unique_key'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='quoted') | join(', ') -%}
    delete from {{ arg_dict['target_relation'] }} as own
    where
        exists (
            select 1
            from {{ arg_dict['temp_relation'] }} as computed
            where {% for column in key %}computed.{{ column }} = own.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}
        );

    insert into {{ arg_dict['target_relation'] }} ({{ columns }})
    select {{ columns }}
    from {{ arg_dict['temp_relation'] }}
    where _smelt_batch_id is not null
{%- endmacro %}

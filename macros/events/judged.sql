{#- Valid versions and tombstones of a stream of events, each with a verdict on its time when it arrived.

    checked: an int_…__checked relation; key: columns that identify an event; time: the column with its event time.
    columns: what the windows are made from; a version that differs in none of them, nor in its time, from the one before it
    is no news, such as rows that are loaded again. Without, every version is.
    delay: how far events may be out of order before one counts as late: the watermark is the newest event time of all
    earlier batches less this. lateness: how far before the watermark an event still corrects its windows. ahead: how far
    after its load an event time may lie; beyond, it is a mistake, and moves no watermark.

    Adds _smelt_event_time (a tombstone's is that of the version it deletes), _smelt_watermark (null for the first
    batch) and _smelt_verdict: on_time, late (still counts), too_late or ahead (put aside, see `late_events`), repeated.
    Rows of a first read (op r) are a state and not news, so they are never late.
    The watermark follows from the batches in bronze and not from the run that reads them: a full refresh judges
    every event as it was judged when it came. -#}
{% macro judged_events(checked, key, time, columns=none, delay='0 seconds', lateness='7 days', ahead='1 day') -%}
    {%- set event_time = "case when versions._smelt_op = 'd' then preceding.event_time else versions." ~ time ~ ' end' -%}
    select
        versions.*,
        {{ event_time }} as _smelt_event_time,
        arrived.watermark as _smelt_watermark,
        case
            when preceding.is_repeated then 'repeated'
            when {{ event_time }} > {{ later('cast(versions._smelt_loaded_at as timestamp)', ahead) }} then 'ahead'
            when {{ event_time }} >= arrived.watermark or versions._smelt_op = 'r' then 'on_time'
            when {{ event_time }} >= {{ earlier('arrived.watermark', lateness) }} then 'late'
            when {{ event_time }} is null or arrived.watermark is null then 'on_time'
            else 'too_late'
        end as _smelt_verdict

    from {{ checked }} as versions
    left join (
        {{ watermarks(checked, time, delay, ahead) }}
    ) as arrived
        on versions._smelt_batch_id = arrived._smelt_batch_id
    left join (
        {{ versions_before(checked, key, time, columns) }}
    ) as preceding
        on
            versions._smelt_batch_id = preceding._smelt_batch_id
            and versions._smelt_source_position = preceding._smelt_source_position

    where {{ is_valid('versions') }}
{%- endmacro %}

{#- The watermark at which each batch arrived. Arguments as of `judged_events`. -#}
{% macro watermarks(checked, time, delay, ahead) -%}
        select
            batches._smelt_batch_id,
            {{ earlier(
                'max(batches.newest) over (order by batches._smelt_batch_id rows between unbounded preceding and 1 preceding)',
                delay
            ) }} as watermark

        from (
            select
                events._smelt_batch_id,
                max(case
                    when events.{{ time }} > {{ later('cast(events._smelt_loaded_at as timestamp)', ahead) }} then null
                    else events.{{ time }}
                end) as newest

            from {{ checked }} as events
            where {{ is_valid('events') }}
            group by events._smelt_batch_id
        ) as batches
{%- endmacro %}

{#- Of events with several versions, what the version before each was: tombstones carry only keys, so the time of what they
    delete is there. -#}
{% macro versions_before(checked, key, time, columns) -%}
    {%- set same_event -%}
        partition by {% for column in key %}events.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %} order by events._smelt_batch_id, events._smelt_source_position
    {%- endset -%}
        select
            followed._smelt_batch_id,
            followed._smelt_source_position,
            followed.event_time,
            {%- if columns is none %}
            false as is_repeated
            {%- else %}
            case
                when
                    (followed.is_deletion is distinct from followed.was_deletion)
                    or (followed.{{ time }} is distinct from followed.event_time)
                    {%- for column in columns %}
                    or (followed.{{ column }} is distinct from followed.{{ column }}_before)
                    {%- endfor %}
                    then false
                else true
            end as is_repeated
            {%- endif %}

        from (
            select
                events.*,
                events._smelt_op = 'd' as is_deletion,
                lag(events._smelt_op = 'd') over ({{ same_event }}) as was_deletion,
                lag(events.{{ time }}) over ({{ same_event }}) as event_time
                {%- for column in columns or [] %},
                lag(events.{{ column }}) over ({{ same_event }}) as {{ column }}_before
                {%- endfor %}

            from {{ checked }} as events
            inner join (
                select {{ key | join(', ') }}
                from {{ checked }} as all_versions
                group by {{ key | join(', ') }}
                having count(*) > 1
            ) as several
                on {% for column in key %}events.{{ column }} = several.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}

            where {{ is_valid('events') }}
        ) as followed
{%- endmacro %}

{#- Versions that came too late, or lie ahead of their load: what no window counts, with the reason.

    judged: a relation of `judged_events`; stream: its name in the result; event_id: an expression, as text. -#}
{% macro late_events(judged, stream, event_id) -%}
    select
        '{{ stream }}' as stream,
        cast({{ event_id }} as {{ dbt.type_string() }}) as event_id,
        _smelt_op as operation,
        case _smelt_verdict
            when 'ahead' then 'event time lies too far after the load'
            else 'event time is further before the watermark than the allowed lateness'
        end as reason,
        _smelt_event_time as event_time,
        _smelt_watermark as watermark_at_arrival,
        {{ audit_columns() }}

    from {{ judged }} as judged
    where _smelt_verdict in ('too_late', 'ahead')
{%- endmacro %}

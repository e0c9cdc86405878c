{#- Start of the tumbling window that a time falls in: windows of one size, side by side, `start <= time < end`.
    They begin at midnight, weeks on Monday.

    time: a timestamp; size: a duration, such as '1 hour'. -#}
{% macro window_start(time, size) -%}{{ adapter.dispatch('window_start')(time, size) }}{%- endmacro %}

{% macro default__window_start(time, size) -%}
    time_bucket(interval '{{ seconds_of(size) }} seconds', {{ time }}, timestamp '1970-01-05 00:00:00')
{%- endmacro %}

{% macro spark__window_start(time, size) -%}
    {%- set monday = 345600 -%}
    {%- set seconds = seconds_of(size) -%}
    cast(timestamp_seconds(
        floor((unix_seconds(cast({{ time }} as timestamp_ltz)) - {{ monday }}) / {{ seconds }}) * {{ seconds }} + {{ monday }}
    ) as timestamp_ntz)
{%- endmacro %}

{#- Starts of the sliding windows that a time falls in: windows of `size` begin every `hop`, so that each time is in
    size ÷ hop of them. For `in_windows`; with hop = size it is a tumbling window. -#}
{% macro sliding_window(time, size, hop) -%}
    {%- if seconds_of(hop) == 0 or seconds_of(size) % seconds_of(hop) -%}
        {{ exceptions.raise_compiler_error("sliding windows of '" ~ size ~ "' cannot begin every '" ~ hop ~ "': it must divide the size") }}
    {%- endif -%}
    {{ return({
        'start': dbt.dateadd('second', '-' ~ seconds_of(hop) ~ ' * window_hops.hop', window_start(time, hop)),
        'hops': seconds_of(size) // seconds_of(hop)
    }) }}
{%- endmacro %}

{#- Rows of a relation with the windows they fall in: once for each window.

    windows: names of columns → `window_start(…)`, `sliding_window(…)` (at most one), or a column of the relation
    by its own name, such as {'customer_id': 'customer_id'}, for what is not cut by time alone. -#}
{% macro in_windows(relation, windows) -%}
    {%- set sliding = windows.values() | selectattr('hops', 'defined') | list -%}
    select
        {%- for name, window in windows.items() if name != window %}
        {{ window.start if window is mapping else window }} as {{ name }},
        {%- endfor %}
        windowed.*

    from {{ relation }} as windowed
    {%- for window in sliding %}
    cross join (
        {%- for hop in range(window.hops) %}
        select {{ hop }} as hop{% if not loop.last %} union all{% endif %}
        {%- endfor %}
    ) as window_hops
    {%- endfor %}
{%- endmacro %}

{#- Rows of a relation with the session they belong to. A session of the same `by` goes on while the next event comes
    at most `gap` after the one before; events of the same time are in the same session.

    relation: events as they count now (`events_now`), all of each `by`; by: columns; time: a timestamp column;
    gap: a duration. Adds session_number (1 is the first of its `by`), session_start and session_end (the times of
    its first and last event). `by` and session_start identify a session. -#}
{% macro sessions(relation, by, time, gap) -%}
    {%- set partition = by | join(', ') -%}
    select
        numbered.*,
        min({{ time }}) over (partition by {{ partition }}, session_number) as session_start,
        max({{ time }}) over (partition by {{ partition }}, session_number) as session_end

    from (
        select
            marked.*,
            -- over peers: the same number for events of the same time, in whatever order they come
            sum(marked.is_session_start) over (partition by {{ partition }} order by {{ time }}) as session_number

        from (
            select
                events.*,
                case
                    when {{ time }} <= {{ later('lag(' ~ time ~ ') over (partition by ' ~ partition ~ ' order by ' ~ time ~ ')', gap) }}
                        then 0
                    else 1
                end as is_session_start

            from {{ relation }} as events
        ) as marked
    ) as numbered
{%- endmacro %}

{#- When a bronze row came to be so: committed at the source where the stream's log is captured, else loaded; rows that
    were pulled before the capture began have no commit time. Looks which columns the bronze table has. -#}
{% macro changed_at(bronze) -%}
    {%- set columns = adapter.get_columns_in_relation(bronze) | map(attribute='name') | list if execute else [] -%}
    {{ 'coalesce(_smelt_committed_at, _smelt_loaded_at)' if '_smelt_committed_at' in columns else '_smelt_loaded_at' }}
{%- endmacro %}

{#- One row per version of each key, oldest first (a slowly changing dimension of type 2), from valid rows and tombstones
    in the order in which they came: batch, then position.

    checked: an int_…__checked relation; key: its key's columns; columns: those whose change makes a version;
    changed_at: the column with the time of the change (see `changed_at`).

    Adds version (1 is the first), valid_from, valid_to (null while it holds), is_current, and is_deleted: a deletion
    ended it. A version holds at `valid_from <= time < valid_to`; versions of one transaction hold at no time and are kept.
    Equal versions in a row are one; what comes back after a deletion is a new one. Times never run back within a key,
    though the server's clock may: a change is not before the one it follows. -#}
{% macro history_of(checked, key, columns, changed_at='_smelt_loaded_at') -%}
    {%- set same_key -%}
        partition by {% for column in key %}{{ column }}{% if not loop.last %}, {% endif %}{% endfor %} order by _smelt_batch_id, _smelt_source_position
    {%- endset -%}
    {%- set same_changes -%}
        partition by {% for column in key %}changes.{{ column }}{% if not loop.last %}, {% endif %}{% endfor %} order by changes._smelt_batch_id, changes._smelt_source_position
    {%- endset -%}
    select *
    from (
        select
            changes.*,
            sum(case when changes._smelt_op = 'd' then 0 else 1 end) over (
                {{ same_changes }} rows between unbounded preceding and current row
            ) as version,
            changes.changed_at as valid_from,
            lead(changes.changed_at) over ({{ same_changes }}) as valid_to,
            lead(changes.changed_at) over ({{ same_changes }}) is null as is_current,
            coalesce(lead(changes._smelt_op) over ({{ same_changes }}) = 'd', false) as is_deleted

        from (
            select
                events.*,
                max({{ changed_at }}) over ({{ same_key }} rows between unbounded preceding and current row) as changed_at,
                lag(_smelt_op) over ({{ same_key }}) as op_before
                {%- for column in columns %},
                lag({{ column }}) over ({{ same_key }}) as {{ column }}_before
                {%- endfor %}

            from {{ checked }} as events
            where {{ is_valid('events') }}
        ) as changes

        where
            -- a change of state: there, gone, or there in another form
            coalesce(changes.op_before, 'd') <> 'd' and changes._smelt_op = 'd'
            or coalesce(changes.op_before, 'd') = 'd' and changes._smelt_op <> 'd'
            {%- for column in columns %}
            or changes._smelt_op <> 'd' and (changes.{{ column }} is distinct from changes.{{ column }}_before)
            {%- endfor %}
    ) as versions

    where versions._smelt_op <> 'd'
{%- endmacro %}

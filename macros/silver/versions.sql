{#- The audit columns that every silver row keeps. -#}
{% macro audit_columns(relation=none) -%}
    {%- set prefix = relation ~ '.' if relation else '' -%}
    {{ prefix }}_smelt_batch_id,
        {{ prefix }}_smelt_source_position,
        {{ prefix }}_smelt_loaded_at
{%- endmacro %}

{#- The newest valid version of each key that was not deleted since; older versions never count.
    Most keys have one version, so only keys with several are ranked: the rest pass by one hash aggregation.

    checked: an int_…__checked relation; key: names of the key's columns. -#}
{% macro latest_valid(checked, key) -%}
    select valid.*

    from {{ checked }} as valid
    left join (
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

            from {{ checked }} as versions
            inner join (
                select {{ key | join(', ') }}
                from {{ checked }} as all_versions
                where {{ is_valid('all_versions') }}
                group by {{ key | join(', ') }}
                having count(*) > 1
            ) as repeated
                on {% for column in key %}versions.{{ column }} = repeated.{{ column }}{% if not loop.last %} and {% endif %}{% endfor %}

            where {{ is_valid('versions') }}
        ) as ranked

        where ranked.recency > 1
    ) as older
        on
            valid._smelt_batch_id = older._smelt_batch_id
            and valid._smelt_source_position = older._smelt_source_position

    where
        {{ is_valid('valid') }}
        and valid._smelt_op <> 'd'
        and older._smelt_batch_id is null
{%- endmacro %}

{#- Identities of valid rows that a later valid version, or a later tombstone, of their key replaces.
    Written apart from latest_valid, so that row accounting is a check and not a remainder. -#}
{% macro superseded_rows(checked, key) -%}
    select
        older._smelt_batch_id,
        older._smelt_source_position

    from {{ checked }} as older
    where
        {{ is_valid('older') }}
        and older._smelt_op <> 'd'
        and exists (
            select 1
            from {{ checked }} as later
            where
                {{ is_valid('later') }}
                {%- for column in key %}
                and later.{{ column }} = older.{{ column }}
                {%- endfor %}
                and (
                    later._smelt_batch_id > older._smelt_batch_id
                    or (
                        later._smelt_batch_id = older._smelt_batch_id
                        and later._smelt_source_position > older._smelt_source_position
                    )
                )
        )
{%- endmacro %}

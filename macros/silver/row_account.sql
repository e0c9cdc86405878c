{#- One row that accounts for a stream's bronze rows: each term counted by its own predicate over row identity.

    stream: '<source>.<stream>'; bronze: the source relation; entity, quarantine, checked: relations; key: columns. -#}
{% macro row_account(stream, bronze, checked, entity, quarantine, key) -%}
    select
        '{{ stream }}' as stream,
        count(in_bronze) as bronze_rows,
        count(in_silver) as silver_rows,
        count(in_quarantine) as quarantined_rows,
        count(in_superseded) as superseded_rows,
        count(in_tombstones) as tombstone_rows,
        count(case
            when in_bronze = 1 and in_silver is null and in_quarantine is null and in_superseded is null
                and in_tombstones is null then 1
        end) as missing_rows,
        count(case
            when coalesce(in_silver, 0) + coalesce(in_quarantine, 0) + coalesce(in_superseded, 0)
                + coalesce(in_tombstones, 0) > 1 or in_bronze is null or in_bronze > 1 then 1
        end) as overlapping_rows

    from (
        select
            _smelt_batch_id,
            _smelt_source_position,
            sum(in_bronze) as in_bronze,
            sum(in_silver) as in_silver,
            sum(in_quarantine) as in_quarantine,
            sum(in_superseded) as in_superseded,
            sum(in_tombstones) as in_tombstones

        from (
            select _smelt_batch_id, _smelt_source_position, 1 as in_bronze, null as in_silver,
                null as in_quarantine, null as in_superseded, null as in_tombstones
            from {{ bronze }}

            union all
            select _smelt_batch_id, _smelt_source_position, null, 1, null, null, null from {{ entity }}

            union all
            select _smelt_batch_id, _smelt_source_position, null, null, 1, null, null from {{ quarantine }}

            union all
            select _smelt_batch_id, _smelt_source_position, null, null, null, 1, null
            from ({{ superseded_rows(checked, key) }}) as superseded

            union all
            select _smelt_batch_id, _smelt_source_position, null, null, null, null, 1
            from {{ bronze }}
            where _smelt_op = 'd'
        ) as terms

        group by _smelt_batch_id, _smelt_source_position
    ) as identities
{%- endmacro %}

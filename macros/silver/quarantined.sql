{#- The rows of `source` that break a rule, as they came, with the names of the rules: what was wrong can be seen.

    checked: the int_…__checked relation of the same stream. -#}
{% macro quarantined(source, checked) -%}
    select
        source.*,
        checked._smelt_broken_rules

    from {{ source }} as source
    inner join {{ checked }} as checked
        on
            source._smelt_batch_id = checked._smelt_batch_id
            and source._smelt_source_position = checked._smelt_source_position

    where not ({{ is_valid('checked') }})
{%- endmacro %}

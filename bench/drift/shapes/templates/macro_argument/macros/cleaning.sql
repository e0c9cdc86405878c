{% macro trimmed(column, alias=none) %}
    nullif(trim({{ column }}), '') as {{ alias or column }}
{%- endmacro %}

{% macro money(column) -%}
    cast({{ column }} as decimal(12, 2))
{%- endmacro %}

{% macro share_of_hundred(column) -%}
    least(greatest({{ column }}, 0), 100)
{%- endmacro %}

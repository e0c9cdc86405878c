{#- Schemas are called what they are: silver, gold, ops; no prefix of the target. Targets have files of their own. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

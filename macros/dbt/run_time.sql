{#- The time at which dbt began, in UTC; a macro so that unit tests can set it. -#}
{% macro run_time() -%}
    cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}

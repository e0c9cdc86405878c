{#- Spark's own function. dbt-spark's goes through epoch seconds, which are null for timestamps without a zone. -#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    dateadd({{ datepart }}, {{ interval }}, {{ from_date_or_timestamp }})
{%- endmacro %}

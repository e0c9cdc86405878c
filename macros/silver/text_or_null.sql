{#- Text without blanks around it; null where nothing was written. Exports of data frames write that as "nan". -#}
{% macro text_or_null(column) -%}
    nullif(nullif(trim({{ column }}), ''), 'nan')
{%- endmacro %}

{#- Seconds of a duration in words: '90 seconds', '1 hour', '7 days', '2 weeks'.
    Months and years are refused: they differ in length, so windows of them are calendar periods (date_trunc). -#}
{% macro seconds_of(duration) -%}
    {%- set seconds = {'second': 1, 'minute': 60, 'hour': 3600, 'day': 86400, 'week': 604800} -%}
    {%- set words = (duration | string).split() -%}
    {%- if words | length != 2 or not words[0].isdigit() or words[1].rstrip('s') not in seconds -%}
        {{ exceptions.raise_compiler_error(
            "'" ~ duration ~ "' is not a duration: write a whole number of seconds, minutes, hours, days or weeks, such as '7 days'"
        ) }}
    {%- endif -%}
    {{ return((words[0] | int) * seconds[words[1].rstrip('s')]) }}
{%- endmacro %}

{#- A timestamp moved by a duration. -#}
{% macro later(timestamp, duration) -%}
    {{ dbt.dateadd('second', seconds_of(duration), timestamp) }}
{%- endmacro %}

{% macro earlier(timestamp, duration) -%}
    {{ dbt.dateadd('second', -seconds_of(duration), timestamp) }}
{%- endmacro %}

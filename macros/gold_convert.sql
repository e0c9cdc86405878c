{#- Value of a decimal(18, 4) amount at a decimal(18, 10) rate, as decimal(18, 4), half away from zero.
    DuckDB multiplies two decimal(18) in 64 bits and overflows; one digit more makes it 128 bits. Spark keeps
    all 14 decimals of the product only up to 38 digits (19 + 18 + 1), so one digit more is also the most. -#}
{% macro gold_convert(amount, rate) -%}
    cast(cast({{ amount }} as decimal(19, 4)) * {{ rate }} as decimal(18, 4))
{%- endmacro %}

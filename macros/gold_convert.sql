{#- Value of a decimal(18, 4) amount at a decimal(18, 8) rate, as decimal(18, 4), half away from zero: exact
    decimal arithmetic, so that every engine gives the same result.
    Small amounts take 18 digits (9 + 9), which DuckDB multiplies and rounds in 64 bits, 40 times faster than in
    128. Large ones take 37 (19 + 18): DuckDB overflows at 18 by 18, and Spark drops decimals above 38. -#}
{% macro gold_convert(amount, rate) -%}
    case
            when {{ amount }} between -99999 and 99999 and {{ rate }} < 10
                then cast(cast({{ amount }} as decimal(9, 4)) * cast({{ rate }} as decimal(9, 8)) as decimal(18, 4))
            else cast(cast({{ amount }} as decimal(19, 4)) * {{ rate }} as decimal(18, 4))
        end
{%- endmacro %}

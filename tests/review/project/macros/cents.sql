{% macro from_cents(column) %}({{ column }} / 100)::decimal(18, 2){% endmacro %}

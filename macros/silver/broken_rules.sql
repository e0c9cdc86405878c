{#- Names of the rules that a row breaks, as a list; a rule whose predicate is null counts as broken.
    Tombstones carry only keys, so no rule applies to them.

    rules: a mapping of rule names to SQL predicates, in the order in which they are listed. -#}
{% macro broken_rules(rules) -%}
    case
        when _smelt_op = 'd' then {{ empty_list() }}
        when {% for predicate in rules.values() %}({{ predicate }}){% if not loop.last %} and {% endif %}{% endfor %}
            then {{ empty_list() }}
        else {{ list_of_present(rules) }}
    end
{%- endmacro %}

{% macro empty_list() -%}{{ adapter.dispatch('empty_list')() }}{%- endmacro %}
{% macro default__empty_list() -%}cast([] as varchar []){%- endmacro %}
{% macro spark__empty_list() -%}cast(array() as array<string>){%- endmacro %}

{% macro list_of_present(rules) -%}{{ adapter.dispatch('list_of_present')(rules) }}{%- endmacro %}

{% macro default__list_of_present(rules) -%}
    list_filter([
        {%- for name, predicate in rules.items() %}
            case when coalesce({{ predicate }}, false) then null else '{{ name }}' end
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
        ], lambda rule: rule is not null)
{%- endmacro %}

{% macro spark__list_of_present(rules) -%}
    filter(array(
        {%- for name, predicate in rules.items() %}
            case when coalesce({{ predicate }}, false) then null else '{{ name }}' end
            {%- if not loop.last %},{% endif %}
        {%- endfor %}
        ), rule -> rule is not null)
{%- endmacro %}

{#- Whether a row of an int_…__checked relation broke no rule. -#}
{% macro is_valid(relation) -%}{{ adapter.dispatch('is_valid')(relation) }}{%- endmacro %}
{% macro default__is_valid(relation) -%}len({{ relation }}._smelt_broken_rules) = 0{%- endmacro %}
{% macro spark__is_valid(relation) -%}size({{ relation }}._smelt_broken_rules) = 0{%- endmacro %}

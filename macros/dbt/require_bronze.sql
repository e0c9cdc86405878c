{#- Fails a run at its start, with one clear message, if a bronze table that the project reads was never loaded. -#}
{% macro require_bronze() %}
    {%- if execute and flags.WHICH in ['build', 'run', 'test', 'snapshot'] -%}
        {%- set missing = [] -%}
        {%- for source in graph.sources.values() if source.schema == 'bronze' and source.package_name == project_name -%}
            {%- set relation = adapter.get_relation(target.database, 'bronze', source.identifier) -%}
            {%- if relation is none -%}
                {%- do missing.append(source.source_name ~ '.' ~ source.name) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {{ exceptions.raise_compiler_error(
                'no bronze table for ' ~ missing | sort | join(', ') ~ ': run `smelt ingest` first'
            ) }}
        {%- endif -%}
    {%- endif -%}
{% endmacro %}

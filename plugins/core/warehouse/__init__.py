"""DuckDB over the lake: dbt's connection plugin, read-only and scratch connections."""

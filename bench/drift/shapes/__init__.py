"""Every kind of drift × shapes of dbt projects, each with data and the outcome that is expected of a tool.

`domains` and `warehouse` make tables with seeded rows, `projects` a dbt project of one shape over them, `drifts`
the SQL that drifts them; `cases` puts them together and writes folders that any tool can be run on. `oracle`
judges what a tool made of a case, with dbt and DuckDB alone. Nothing of those reads the code that they judge; only
`smelt_tool` and `whole_way` call it, and `command_tool` calls any other.
"""

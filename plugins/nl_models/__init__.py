"""From words to SQL and dbt models: a question goes in, a plan with SQL and its confidence comes out.

`ProjectAnswers` answers over a dbt project that `open_project` opened: its metrics first, then its tables.
`Planner` reads questions over one catalog; `read_database` makes the catalog of a bare DuckDB database.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

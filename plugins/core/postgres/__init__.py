"""PostgreSQL's catalog: what columns a table has, and how to select them so that every value arrives as it is.

A predicate over the catalog goes in; the SQL that asks the server, and columns with their SELECT expressions, come
out. Discovery and ingest share it, so that what is seen of a table is what will be loaded of it.
"""

from plugins.core.postgres.columns import PgColumn, columns_sql, described, extra_expression
from plugins.core.postgres.dsn import checked_url
from plugins.core.postgres.scanned import scanned_expressions

__all__ = ["PgColumn", "checked_url", "columns_sql", "described", "extra_expression", "scanned_expressions"]

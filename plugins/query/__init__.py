"""Questions in SQL: a query of anybody's goes in, rows of the published catalog come out, and nothing else can."""

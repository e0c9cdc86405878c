"""Says what happened: tables before and now go in; a `Drift` with confidence and facts comes out."""

"""SQL as data: what may be run of what a model, a source, a language model or a user wrote."""

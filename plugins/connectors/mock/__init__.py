"""A mock of an API, made of its specification and of labels that a person wrote."""

"""A semantic layer for a project that has none, read from the names, keys and values of its tables."""

from plugins.nl_models.semantic.inferring.layer import Inferred, infer_layer

__all__ = ["Inferred", "infer_layer"]

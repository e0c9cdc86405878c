from .static import DIMENSIONS, Vectors, encode

__all__ = ["DIMENSIONS", "Vectors", "encode"]

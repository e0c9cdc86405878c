from .static import DIMENSIONS, Vectors, encode, vocabulary

__all__ = ["DIMENSIONS", "Vectors", "encode", "vocabulary"]

from .static import DIMENSIONS, encode

__all__ = ["DIMENSIONS", "encode"]

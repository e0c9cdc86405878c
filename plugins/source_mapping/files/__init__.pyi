from .descriptions import describe
from .reading import ReadTable, read_table

__all__ = ["ReadTable", "describe", "read_table"]

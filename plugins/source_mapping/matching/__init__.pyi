from .columns import SAMPLE_ROWS, Column, Table
from .matcher import Matching, Pair, match, measure

__all__ = ["SAMPLE_ROWS", "Column", "Matching", "Pair", "Table", "match", "measure"]

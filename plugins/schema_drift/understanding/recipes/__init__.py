"""Ways in which an old column's values are still there: in another unit, format, spelling, or in several."""

from .finding import LEAST_MORE, Found, find_all
from .recipe import Proof, Recipe, identity, prove, restored, supplied

__all__ = ["LEAST_MORE", "Found", "Proof", "Recipe", "find_all", "identity", "prove", "restored", "supplied"]

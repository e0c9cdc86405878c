"""Which columns of two tables hold the same thing, with calibrated confidence.

Two `Table`s of names and samples go in; `match` gives a confidence for every pair of their columns.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

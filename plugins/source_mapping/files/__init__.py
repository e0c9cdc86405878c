"""Tables of files: CSV, TSV, JSON, NDJSON or Parquet, compressed or not, as columns that can be matched.

Names stay as written and values are the text that the file has; only the first rows are read. What is odd about a
file is said in notes; what can't be read is one clear error.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Schema discovery: samples of any stream go in; types, meanings, keys and references come out.

`discover_stream` looks at one stream (rows as dicts, or an Arrow table), `discover_source` at all streams of a
source, and finds the references between them. Each finding has a confidence in 0..1 and its evidence in words.
Pure: nothing is read but what is passed in.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

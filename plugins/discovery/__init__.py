"""`smelt discover`: a place goes in (a source, file, folder, table or database), profiles of its streams come out.

`read_place` opens a place and samples its streams, `discover_place` profiles them; other plugins use both.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

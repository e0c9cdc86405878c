"""`smelt discover`: a place (source, folder, bucket, topic, table, database) in, profiles of its streams out.

`read_place` opens a place and samples its streams, `discover_place` profiles them; other plugins use both.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

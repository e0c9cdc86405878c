"""The sample source systems that `make run` starts, and their data.

A project folder goes in; running servers and filled folders come out, with what reaches them
written to `.smelt/demo/` (`shop.dsn`, `ecb.url`, `drop/returns/`).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

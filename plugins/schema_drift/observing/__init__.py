"""Sees source tables: a project and a time go in; `SeenTable`s of then and now, in one connection, come out.

`take_snapshot` keeps what source tables are, in one file; `open_pair` sets what they were beside what they are.
Of a Smelt project the times are those of bronze, and nothing has to be kept.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

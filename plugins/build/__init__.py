"""One build: bronze pins → silver → gate → gold → gate → publish, and the way back.

Settings go in; a `BuildResult` comes out, and readers see the new run or the one before, whole.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

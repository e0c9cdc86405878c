"""Says what happened: tables before and now go in; a `Drift` with confidence and facts comes out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

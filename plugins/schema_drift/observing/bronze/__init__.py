"""Sees the sources of a Smelt project: bronze, which keeps all times, and the ledger, which knows schemas."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

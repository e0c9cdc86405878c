"""Keeps the pipeline going while a proposal waits: what is held back, stale, released and replayed.

A check for drift and a way to propose go in (`watch`, between ingest and build); holds in the ledger come out,
which builds respect, and what a person should hear.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Contracts, gates, quality scores, quarantine and replay.

A connection to the warehouse and the contracts of a layer go in; check outcomes with the rows that
break them come out. `run_gate` decides whether what is downstream may go on.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

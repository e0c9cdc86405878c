"""Proves a patch: a `Drift` and a `Patch` go in; a `Proposal` whose evidence was executed comes out.

`make_proposal` writes what a reviewer reads; `prove_drift` builds the project as it is on the rows of before, and
patched on the same rows now, and holds the one to the values of the other.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

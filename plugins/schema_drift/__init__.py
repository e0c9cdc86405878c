"""Schema drift: what a source was and what it is now go in; classified changes, patches and a proposal come out.

`observing` sees tables (their columns and rows, before and now), `understanding` says what happened to them and
how sure that is, `patching` edits the project's files, and the review spine proves the result. While a proposal
waits, `healing` holds back what would break.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

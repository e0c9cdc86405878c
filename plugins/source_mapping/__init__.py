"""Source mapping: a source's streams and the project's entities go in; staging models come out, as a `Proposal`.

`map_source` says for every target column what it is made from, how sure that is and how it is known, and for every
source column where it goes or why nowhere. What people decided in `mapping.yml` is kept. Nothing is written to the
project.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

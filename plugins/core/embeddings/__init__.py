"""Static embeddings of short texts, shipped with the package: names, descriptions, words of a question.

Texts go in; unit vectors come out, whose dot product is their similarity in meaning. No network, no GPU.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

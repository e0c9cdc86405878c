"""Questions planned by a language model: a question, its subject and a model go in, a checked plan comes out.

What the model answers is a form of names and values, never SQL. It is validated against the catalog, rendered and
run as every other plan is; a plan that fails goes back with the error, and of several plans the one wins whose
rows most of the others return too. None means: do without.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

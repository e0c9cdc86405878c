"""Current-state views: what is published, merged with what came to bronze since, by the models' own SQL.

A published run and the newest bronze snapshots go in; a catalog file comes out in which silver entities are as of
the last bronze commit. Readers open it as they open any run.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

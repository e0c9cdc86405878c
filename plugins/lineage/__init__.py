"""Column lineage as people and machines look at it: text, JSON, mermaid, a page; and what a change reaches.

`load_lineage` reads a project, `document` makes the JSON that the renderers take, `find_impact` answers
which models, tests, contracts, metrics and exposures a column reaches.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

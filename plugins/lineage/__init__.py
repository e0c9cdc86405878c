"""Column lineage as people and machines look at it: text, JSON, mermaid, a page; and what a change reaches.

`load_lineage` reads a project, `document` makes the JSON that the renderers take, `find_impact` answers
which models, tests, contracts, metrics and exposures a column reaches.
"""

from plugins.lineage.document import document
from plugins.lineage.impact import Impact, Touched, find_impact
from plugins.lineage.load import Loaded, load_lineage
from plugins.lineage.mermaid import render_mermaid

__all__ = ["Impact", "Loaded", "Touched", "document", "find_impact", "load_lineage", "render_mermaid"]

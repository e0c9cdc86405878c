from .document import document
from .impact import Impact, Touched, find_impact
from .load import Loaded, load_lineage
from .mermaid import render_mermaid

__all__ = ["Impact", "Loaded", "Touched", "document", "find_impact", "load_lineage", "render_mermaid"]

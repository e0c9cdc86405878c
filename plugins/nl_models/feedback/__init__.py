"""What people corrected before they merged goes in; proposals that teach the project's YAML the same come out.

`propose_feedback` compares what was proposed with what was merged, and suggests synonyms and examples for it;
`Examples` answers questions by them.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

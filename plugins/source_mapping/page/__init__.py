"""The review page of a mapping: a mapping with samples of both sides goes in; what a person decided comes out.

`review_document` is what the page shows, with personal data masked; `write_page` makes one file of it that needs
no server; `open_server` shows it on loopback and writes `mapping.yml` through a `MappingReview`, which refuses
what does not fit and never overwrites what somebody else has written meanwhile.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Connectors: the spec of an API goes in; an Airbyte declarative manifest that airbyte-cdk runs, and source.yml,
come out.

`connect` infers streams, keys, pages, cursors, parents and credentials, each with a confidence and its reason;
what is doubtful is a question, what is defective in the spec costs only what uses it. `check_connector` runs the
result.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Edits the project: a `Drift` and the files of a commit go in; a `Patch` comes out."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

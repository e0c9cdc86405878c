"""Proposals between their making and their outcome: files below the state folder, events in the ledger.

A `Proposal` and its rendered body go in (`Proposals.add`); they are opened on a forge, listed with what
people decided, and closed; each outcome is recorded once, for calibrating later confidence.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

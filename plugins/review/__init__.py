"""The review spine: a change to a dbt project goes in, executed evidence and a pull request come out.

A `Proposal` is a set of file changes that a machine suggests. `prove` builds it beside its base in the sandbox and
lets the evidence kinds compare the two, a forge opens the pull request (`Proposals.open`), and its outcome is
recorded.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

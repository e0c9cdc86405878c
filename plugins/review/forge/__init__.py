"""Where proposals become pull requests: a proposal and its body go in, a branch and a pull request come out.

Three forges: local (a branch and a file), GitHub, GitLab. Each step may be repeated after a crash or a lost
connection without a second pull request; a branch that a person has committed to is left alone; nothing here
approves or merges.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

"""Where proposals become pull requests: a proposal and its body go in, a branch and a pull request come out.

Three forges: local (a branch and a file), GitHub, GitLab. Each step may be repeated after a crash or a lost
connection without a second pull request; a branch that a person has committed to is left alone; nothing here
approves or merges.
"""

from plugins.review.forge.choice import KINDS, open_forge
from plugins.review.forge.forge import Decision, Forge, OpenedPullRequest, PullRequestState, Tips

__all__ = ["KINDS", "Decision", "Forge", "OpenedPullRequest", "PullRequestState", "Tips", "open_forge"]

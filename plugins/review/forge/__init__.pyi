from .choice import KINDS, open_forge
from .forge import Decision, Forge, OpenedPullRequest, PullRequestState, Tips

__all__ = ["KINDS", "Decision", "Forge", "OpenedPullRequest", "PullRequestState", "Tips", "open_forge"]

"""The review spine: a change to a dbt project goes in, executed evidence and a pull request come out.

A `Proposal` is a set of file changes that a machine suggests. The sandbox builds it (or any branch) beside
its base, the evidence kinds compare the two, a forge opens the pull request, and its outcome is recorded.
"""

from plugins.review.evidence.finding import Finding, Outcome
from plugins.review.proposal import FileChange, Proposal

__all__ = ["FileChange", "Finding", "Outcome", "Proposal"]

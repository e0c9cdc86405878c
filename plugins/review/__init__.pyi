from .evidence.finding import Finding, Outcome
from .keys import find_pii
from .proposal import FileChange, Proposal
from .proposals.lifecycle import Proposals
from .proving import Proven, prove

__all__ = ["FileChange", "Finding", "Outcome", "Proposal", "Proposals", "Proven", "find_pii", "prove"]

from .evidence.finding import Finding, Outcome
from .keys import find_pii
from .proposal import FileChange, Proposal
from .proposals.lifecycle import Proposals
from .proving import Proven, prove
from .sandbox.inputs import ChangedSources, SideInputs

__all__ = [
    "ChangedSources",
    "FileChange",
    "Finding",
    "Outcome",
    "Proposal",
    "Proposals",
    "Proven",
    "SideInputs",
    "find_pii",
    "prove",
]

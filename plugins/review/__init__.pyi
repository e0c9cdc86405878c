from .evidence.finding import Finding, Outcome
from .keys import find_pii
from .markdown import code, prose
from .outcome import Review
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
    "Review",
    "SideInputs",
    "code",
    "find_pii",
    "prose",
    "prove",
]

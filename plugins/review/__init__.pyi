from .evidence.finding import Finding, Outcome
from .git import Repository
from .keys import find_pii
from .markdown import READY, code, prose
from .outcome import Review
from .proposal import FileChange, Proposal
from .proposals.lifecycle import Proposals
from .proving import Proven, prove
from .sandbox.inputs import ChangedSources, SideInputs
from .sandbox.opening import Opened, opened_ahead
from .sandbox.server_tasks import connected

__all__ = [
    "READY",
    "ChangedSources",
    "FileChange",
    "Finding",
    "Opened",
    "Outcome",
    "Proposal",
    "Proposals",
    "Proven",
    "Repository",
    "Review",
    "SideInputs",
    "code",
    "connected",
    "find_pii",
    "opened_ahead",
    "prose",
    "prove",
]

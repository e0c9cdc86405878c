from .lifecycle import ListedProposal, Proposals
from .store import ProposalStore, StoredProposal

__all__ = ["ListedProposal", "ProposalStore", "Proposals", "StoredProposal"]

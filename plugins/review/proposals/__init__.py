"""Proposals between their making and their outcome: files below the state folder, events in the ledger.

A `Proposal` and its rendered body go in (`Proposals.add`); they are opened on a forge, listed with what
people decided, and closed; each outcome is recorded once, for calibrating later confidence.
"""

from plugins.review.proposals.lifecycle import ListedProposal, Proposals
from plugins.review.proposals.store import ProposalStore, StoredProposal

__all__ = ["ListedProposal", "ProposalStore", "Proposals", "StoredProposal"]

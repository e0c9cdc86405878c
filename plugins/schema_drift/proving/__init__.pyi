from .proof import prove_drift
from .proposing import make_proposal
from .unread import count_unread

__all__ = ["count_unread", "make_proposal", "prove_drift"]

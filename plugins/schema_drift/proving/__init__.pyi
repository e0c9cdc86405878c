from .proof import prove_drift
from .proposing import make_proposal

__all__ = ["make_proposal", "prove_drift"]

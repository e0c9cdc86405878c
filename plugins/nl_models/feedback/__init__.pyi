from .examples import Examples
from .proposing import propose_feedback

__all__ = ["Examples", "propose_feedback"]

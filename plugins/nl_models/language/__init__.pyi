from .planning import plan_with_model
from .voting import ModelPlanned, Votes

__all__ = ["ModelPlanned", "Votes", "plan_with_model"]

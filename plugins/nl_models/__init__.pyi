from .answering import Answer, answer
from .catalog.database import read_database
from .plan import Plan
from .planner import Planned, Planner

__all__ = ["Answer", "Plan", "Planned", "Planner", "answer", "read_database"]

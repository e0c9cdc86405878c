from .analysis import Analysis
from .answering import Answer, answer
from .asking import ProjectAnswers
from .catalog.database import read_database
from .catalog.project import AskedProject, open_project
from .plan import Plan
from .planner import Planned, Planner

__all__ = [
    "Analysis",
    "Answer",
    "AskedProject",
    "Plan",
    "Planned",
    "Planner",
    "ProjectAnswers",
    "answer",
    "open_project",
    "read_database",
]

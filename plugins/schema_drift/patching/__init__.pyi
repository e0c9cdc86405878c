from .making import is_absorbed, make_patch
from .patch import Interface, Mode, Patch, Question
from .project import PatchedProject

__all__ = [
    "Interface",
    "Mode",
    "Patch",
    "PatchedProject",
    "Question",
    "is_absorbed",
    "make_patch",
]

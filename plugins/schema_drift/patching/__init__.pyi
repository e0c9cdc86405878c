from .making import is_absorbed, make_patch
from .patch import Interface, Mode, Patch, Question
from .project import PatchedProject
from .uses import Consumer, consumers

__all__ = [
    "Consumer",
    "Interface",
    "Mode",
    "Patch",
    "PatchedProject",
    "Question",
    "consumers",
    "is_absorbed",
    "make_patch",
]

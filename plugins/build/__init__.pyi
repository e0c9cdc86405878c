from .pipeline import Listener, build
from .result import BuildResult, Failure

__all__ = ["BuildResult", "Failure", "Listener", "build"]

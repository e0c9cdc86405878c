"""One build: bronze pins → silver → gate → gold → gate → publish, and the way back.

Settings go in; a `BuildResult` comes out, and readers see the new run or the one before, whole.
"""

from plugins.build.pipeline import Listener, build
from plugins.build.result import BuildResult, Failure

__all__ = ["BuildResult", "Failure", "Listener", "build"]

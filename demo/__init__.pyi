from .manager import SourceStatus, down, status, up

__all__ = ["SourceStatus", "down", "status", "up"]

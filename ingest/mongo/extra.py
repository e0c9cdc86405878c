"""The driver is an extra: what to say if it isn't installed."""

from __future__ import annotations

from plugins.core.errors import SmeltError


def require_extra() -> None:
    """Raise SmeltError if pymongo isn't installed."""
    try:
        import pymongo  # noqa: F401
    except ImportError as error:
        raise SmeltError(
            "reading MongoDB needs a package that is not installed", "pip install 'smelt[mongo]'"
        ) from error

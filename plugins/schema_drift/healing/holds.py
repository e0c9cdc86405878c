"""Holds as the ledger keeps them: `plugins.build` reads the same ones."""

from plugins.core.ledger import Hold, Released, hold, open_holds, release, released_holds

__all__ = ["Hold", "Released", "hold", "open_holds", "release", "released_holds"]

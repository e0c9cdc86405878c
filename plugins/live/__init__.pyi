from .catalog import LiveCatalog, Refreshed

__all__ = ["LiveCatalog", "Refreshed"]

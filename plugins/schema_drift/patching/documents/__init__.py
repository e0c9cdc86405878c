"""Everything that is not SQL or Python: a drift and the interfaces of patched nodes go in; edits come out."""

from plugins.schema_drift.patching.documents.patching import patch_documents

__all__ = ["patch_documents"]

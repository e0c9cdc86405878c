"""Edits of SQL and Python files: a `Drift` goes in; a `Patch` of models, macros, snapshots and tests comes out.

Files are never written anew: only the characters that must change do, everything else stays as it was typed.
"""

from plugins.schema_drift.patching.sql.base_model import base_name, base_path, pointed
from plugins.schema_drift.patching.sql.patching import patch_sql
from plugins.schema_drift.patching.sql.tables import reads_by_name

__all__ = ["base_name", "base_path", "patch_sql", "pointed", "reads_by_name"]

"""A catalog that cannot be read is one clear message, not a stack trace."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from plugins.core.errors import SmeltError
from plugins.core.lake import Lake, ensure_columns
from plugins.core.ledger import Ledger
from plugins.core.settings import load_settings


def test_a_corrupted_catalog_file(project: Path) -> None:
    (project / "lake").mkdir()
    (project / "lake" / "catalog.db").write_bytes(b"this is not a database, it only says so" * 100)
    with pytest.raises(SmeltError, match=r"catalog.*cannot be read") as caught:
        Lake(load_settings(project)).tables("bronze")
    assert "backup" in (caught.value.hint or "")


def test_a_metadata_file_that_is_gone(project: Path) -> None:
    lake = Lake(load_settings(project))
    ensure_columns(lake, "bronze.s__t", pa.schema([("a", pa.int32())]))
    for file in project.glob("lake/bronze/s__t/metadata/*.json"):
        file.unlink()
    with pytest.raises(SmeltError, match=r"metadata file of bronze\.s__t"):
        Lake(load_settings(project)).table("bronze.s__t")


def test_a_corrupted_ledger(project: Path) -> None:
    (project / "lake").mkdir()
    (project / "lake" / "ledger.db").write_bytes(b"neither is this" * 1000)
    with pytest.raises(SmeltError, match="ledger"):
        Ledger(load_settings(project)).append("run_events", [{"kind": "x", "event": "start"}])

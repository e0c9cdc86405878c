"""A catalog that cannot be read is one clear message, not a stack trace."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from plugins.core.errors import SmeltError
from plugins.core.lake import Lake, ensure_columns
from plugins.core.ledger import Ledger
from plugins.core.settings import load_settings


def test_a_corrupted_catalog_file(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "catalog.db").write_bytes(b"this is not a database, it only says so" * 100)
    with pytest.raises(SmeltError, match=r"catalog.*cannot be read") as caught:
        Lake(load_settings(tmp_path)).tables("bronze")
    assert "backup" in (caught.value.hint or "")


def test_a_metadata_file_that_is_gone(tmp_path: Path) -> None:
    lake = Lake(load_settings(tmp_path))
    ensure_columns(lake, "bronze.s__t", pa.schema([("a", pa.int32())]))
    for file in tmp_path.glob("lake/bronze/s__t/metadata/*.json"):
        file.unlink()
    with pytest.raises(SmeltError, match="metadata file of bronze.s__t"):
        Lake(load_settings(tmp_path)).table("bronze.s__t")


def test_a_corrupted_ledger(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "ledger.db").write_bytes(b"neither is this" * 1000)
    with pytest.raises(SmeltError, match="ledger"):
        Ledger(load_settings(tmp_path)).append("run_events", [{"kind": "x", "event": "start"}])

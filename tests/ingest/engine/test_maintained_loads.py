"""Loads keep the tables that they write to small, and what they compare with stays right."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.core.lake import Lake
from plugins.core.settings import load_settings
from tests.ingest.landed import Landed


@pytest.mark.parametrize("is_automatic", [True, False])
def test_loads_maintain_what_they_wrote_to(
    project: Path, monkeypatch: pytest.MonkeyPatch, is_automatic: bool
) -> None:
    wanted = {"SNAPSHOTS": 2, "SMALL_FILES": 3, "GRACE_MINUTES": 0, "IS_AUTOMATIC": is_automatic}
    for name, value in wanted.items():
        monkeypatch.setenv(f"SMELT_MAINTENANCE__{name}", str(value))
    drop = project / "drop"
    drop.mkdir()
    source = Landed(project, "files", {"type": "files", "url": str(drop)})
    source.declare(files={"glob": "*.csv", "format": "csv"}, primary_key=["id"])
    for n in range(6):
        (drop / f"{n}.csv").write_text(f"id,v\n{n},first\n")
        assert source.load().rows_loaded == 1
    # What was compacted is what the next pull is compared with.
    (drop / "0.csv").write_text("id,v\n0,second\n")
    assert source.load().rows_loaded == 1
    assert source.load().outcome == "unchanged"
    assert source.bronze("select count(*), count(distinct _smelt_batch_id) from bronze") == [(7, 7)]
    snapshots = len(Lake(load_settings(project)).table("bronze.s__t").metadata.snapshots)
    files = len(list((project / "lake" / "bronze" / "s__t" / "data").iterdir()))
    if is_automatic:
        assert snapshots == 2
        assert files <= 5
    else:
        assert (snapshots, files) == (7, 7)

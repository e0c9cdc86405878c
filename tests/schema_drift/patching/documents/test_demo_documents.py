"""The demo's own files, patched and read by dbt."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from plugins.core.lineage import LineageCache, ProjectLineage, known_columns
from plugins.core.project import Manifest, Project
from plugins.review.sandbox.machine_written import check_machine_written
from plugins.schema_drift.change import Drift, Kind
from plugins.schema_drift.patching.documents import patch_documents
from plugins.schema_drift.patching.patch import Interface, Mode, Patch
from plugins.schema_drift.patching.project import PatchedProject
from plugins.schema_drift.table import Column, History, Table
from tests.schema_drift.patching.documents.conftest import change, only_lines, renamed

ROOT = Path(__file__).parents[4]
FILLED = "Filled until 2024-11-20 14:24 UTC; `price_gbp` since."
SOURCE = f"""          - name: unit_price
            description: Price of one unit in GBP. {FILLED}
            data_type: decimal(12, 4)
          - name: price_gbp
            description: Price of one unit in GBP.
            data_type: decimal(12, 4)
          - name: invoiced_at
            description: Timestamp of the line (UK time).
            data_type: timestamp
          - name: channel
            description: Channel, as the source has it.
            data_type: varchar
          - name: _smelt_batch_id
"""
LINES = "source.smelt.shop.order_lines"


def _patched_project(folder: Path, tables: tuple[Table, Table]) -> PatchedProject:
    manifest = Manifest.read(Project(folder).write_manifest())
    graph = ProjectLineage(manifest, known_columns(manifest), LineageCache(None)).read()
    paths = sorted(
        path.relative_to(folder).as_posix()
        for pattern in ("models/**/*", "sources/**/*", "contracts/**/*", "docs/**/*", "*")
        for path in folder.glob(pattern)
        if path.is_file()
    )
    return PatchedProject(manifest, graph, paths, lambda p: (folder / p).read_text(), [tables[0]], [tables[1]])


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    """A copy of the project's committed files."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in listed.split("\0"):
        wanted = name.startswith(("models/", "sources/", "contracts/", "macros/", "docs/", "tests/assertions/"))
        if (wanted or name in ("dbt_project.yml", "profiles.yml", ".dbtignore")) and (ROOT / name).is_file():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "lake" / "warehouse").mkdir(parents=True)
    return tmp_path


def _tables(history: History | None) -> tuple[Table, Table]:
    names = {"order_id": "varchar", "line_number": "integer", "stock_code": "varchar", "description": "varchar",
             "quantity": "integer", "unit_price": "decimal(12,4)", "invoiced_at": "timestamp"}  # fmt: skip
    now = {("price_gbp" if name == "unit_price" else name): kind for name, kind in names.items()}
    now["channel"] = "varchar"
    if history:
        now["unit_price"] = names["unit_price"]

    def table(columns: dict[str, str], history: History | None) -> Table:
        listed = tuple(Column(name, kind) for name, kind in columns.items())
        return Table(LINES, "shop.order_lines", ("bronze", "shop__order_lines"), listed, history=history)

    return table(names, None), table(now, history)


def _patch(folder: Path, history: History | None, interfaces: dict[str, Interface]) -> Patch:
    changes = (
        renamed("unit_price", "price_gbp", LINES),
        change(Kind.COLUMN_ADDED, [], ["channel"], LINES),
    )
    project = _patched_project(folder, _tables(history))
    patch = patch_documents(project, Drift(changes), interfaces, Mode.ABSORB)
    for one in patch.changes:
        assert one.after is not None
        (folder / one.path).write_text(one.after)
    # It is still a project, and nothing in it is what a machine may not write.
    Project(folder).write_manifest()
    assert check_machine_written(patch.changes) == []
    return patch


@pytest.mark.full
def test_absorbed_with_the_old_column_kept(demo: Path):
    history = History(frozenset({"unit_price"}), "_smelt_batch_id >= '01JD4ZB2V0000000000000000A'")
    staging = {"model.smelt.stg_shop__order_lines": Interface(added={"channel": "varchar"})}
    patch = _patch(demo, history, staging)
    lines = {one.path: only_lines(one.before or "", one.after or "") for one in patch.changes}
    assert lines.pop("models/silver/sales/stg_shop__order_lines.yml") == [
        "+       - name: channel",
        "+         description: Channel, as the source has it.",
    ]
    assert list(lines) == ["sources/shop/_shop__sources.yml"]
    assert SOURCE in (demo / "sources/shop/_shop__sources.yml").read_text()
    assert len([line for line in lines["sources/shop/_shop__sources.yml"] if line[0] == "+"]) == 6
    assert patch.questions == ()


@pytest.mark.full
def test_propagated_through_models_contracts_and_unit_tests(demo: Path):
    through = ["stg_shop__order_lines", "int_order_lines__checked", "order_lines", "fct_order_lines"]
    interfaces = {f"model.smelt.{name}": Interface(renamed={"unit_price": "price_gbp"}) for name in through}
    patch = _patch(demo, None, interfaces)
    changed = {one.path: one for one in patch.changes}
    assert set(changed) >= {
        "contracts/silver/sales/order_lines.yml",
        "contracts/gold/sales/fct_order_lines.yml",
        *(f"models/silver/sales/{name}.yml" for name in through[:3]),
        "models/gold/sales/fct_order_lines.yml",
        "sources/shop/_shop__sources.yml",
    }
    for path in changed:
        # Rules are called by the names that they have in SQL; a question leads to them.
        text = (demo / path).read_text().replace("unit_price_positive", "")
        assert "unit_price" not in text or path == "sources/shop/_shop__sources.yml", path
    for one in changed.values():
        before, after = (one.before or "").splitlines(), (one.after or "").splitlines()
        assert all(line in before or "price_gbp" in line or "channel" in line or "varchar" in line
                   for line in after if "description" not in line)  # fmt: skip
    assert [str(one) for one in patch.questions if not one.is_minor] == []

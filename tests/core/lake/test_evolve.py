"""Types widen where Iceberg allows it; any other change starts a new column beside the old."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from plugins.core.lake import Lake, bronze_columns, ensure_columns
from plugins.core.settings import load_settings

TABLE = "bronze.s__t"


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(load_settings(tmp_path))


def _land(lake: Lake, *types: pa.DataType) -> list[str]:
    """Name of the column in which a value of each type landed, in turn."""
    return [ensure_columns(lake, TABLE, pa.schema([("v", kind)]))[0].name for kind in types]


@pytest.mark.parametrize(
    ("first", "then", "becomes"),
    [
        (pa.int32(), pa.int64(), pa.int64()),
        (pa.int64(), pa.int32(), pa.int64()),
        (pa.float32(), pa.float64(), pa.float64()),
        (pa.decimal128(10, 2), pa.decimal128(18, 2), pa.decimal128(18, 2)),
        (pa.decimal128(18, 2), pa.decimal128(10, 2), pa.decimal128(18, 2)),
    ],
)
def test_widening_stays_in_the_column(
    lake: Lake, first: pa.DataType, then: pa.DataType, becomes: pa.DataType
) -> None:
    assert _land(lake, first, then) == ["v", "v"]
    assert bronze_columns(lake.table(TABLE))["v"] == becomes


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (pa.int64(), pa.decimal128(10, 2)),
        (pa.int32(), pa.string()),
        (pa.string(), pa.int32()),
        (pa.string(), pa.binary()),
        (pa.float64(), pa.int64()),
        (pa.decimal128(10, 2), pa.decimal128(12, 4)),
        (pa.timestamp("us"), pa.timestamp("us", "UTC")),
        (pa.list_(pa.int32()), pa.string()),
    ],
)
def test_other_changes_start_a_new_version(lake: Lake, first: pa.DataType, then: pa.DataType) -> None:
    assert _land(lake, first, then, first, then) == ["v", "v__v2", "v", "v__v2"]


def test_columns_are_added_and_none_removed(lake: Lake) -> None:
    ensure_columns(lake, TABLE, pa.schema([("a", pa.int32())]))
    ensure_columns(lake, TABLE, pa.schema([("b", pa.string())]))
    assert list(bronze_columns(lake.table(TABLE))) == ["a", "b"]


def test_awkward_names_survive(lake: Lake) -> None:
    names = ["select", "with space", 'quo"te', "Ünïcode", "A", "a"]
    landed = ensure_columns(lake, TABLE, pa.schema([(name, pa.int32()) for name in names]))
    assert [column.name for column in landed] == ["select", "with space", 'quo"te', "Ünïcode", "A", "a_2"]
    assert [column.source for column in landed] == names

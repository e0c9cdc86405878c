"""`smelt onboard` of a folder that grows: which later files a stream takes, and which it leaves to others."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.discovery import discover_place, read_place
from plugins.onboard.files import draft_folder

ROWS = "id,name\n1,Ann\n2,Bo\n"
OTHERS = "booking,price,currency\n1,2.50,EUR\n"


def _globs(folder: Path) -> list[str]:
    with read_place(str(folder), rows=100) as place:
        drafted = draft_folder(folder, "crm", "ann", place, discover_place(place))
    text = drafted.files["sources/crm/source.yml"]
    return sorted(
        line.split("glob:")[1].split(",")[0].strip(" \"'") for line in text.splitlines() if "glob:" in line
    )


@pytest.mark.parametrize("later", ["bookings_2025.csv", "bookings-2025.csv", "bookings2025.csv"])
def test_a_later_file_of_the_name_is_of_the_stream(tmp_path: Path, later: str) -> None:
    (tmp_path / "bookings.csv").write_text(ROWS)
    (found,) = _globs(tmp_path)
    (tmp_path / later).write_text(ROWS)
    assert sorted(path.name for path in tmp_path.glob(found)) == sorted(["bookings.csv", later])
    assert _globs(tmp_path) == [found], "with the later file there, the draft is the same"


def test_a_pattern_never_takes_a_file_of_another_stream(tmp_path: Path) -> None:
    (tmp_path / "order.csv").write_text(ROWS)
    (tmp_path / "order_lines.csv").write_text(OTHERS)
    assert _globs(tmp_path) == ["order.csv", "order_lines*.csv"]


def test_files_without_a_header_to_be_held_against_are_taken_by_their_name_alone(tmp_path: Path) -> None:
    (tmp_path / "orders.ndjson").write_text('{"id": 1}\n')
    assert _globs(tmp_path) == ["orders.ndjson"]

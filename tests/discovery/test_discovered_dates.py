"""Dates of several formats in one column: they are dates, and nobody's telephone numbers."""

from __future__ import annotations

import duckdb
import pytest

from plugins.core.discovery import ColumnProfile, discover_stream
from plugins.source_mapping.planning.expressions import expression


def _iso(n: int) -> str:
    return f"{2019 + n % 6}-{1 + n % 12:02d}-{1 + n % 28:02d}"


def _slashed(n: int) -> str:
    return f"{1 + n % 31:02d}/{(1, 3, 5, 7, 8, 10, 12)[n % 7]:02d}/{2019 + n % 6}"


def _dotted(n: int) -> str:
    return f"{1 + n % 28:02d}.{1 + n % 12:02d}.{19 + n % 6}"


def _american(n: int) -> str:
    return f"{1 + n % 12:02d}/{1 + n % 28:02d}/{2019 + n % 6}"


def _column(values: list[str], name: str = "bestellt") -> ColumnProfile:
    return discover_stream("s", [{name: value} for value in values]).column(name)


def _mixed(*writers, shares: tuple[int, ...]) -> list[str]:
    order = [writer for writer, share in zip(writers, shares, strict=True) for _ in range(share)]
    return [order[n * 7 % len(order)](n) for n in range(400)]


@pytest.mark.parametrize(("shares", "name"), [((6, 4), "bestellt"), ((5, 5), "ordered_at"), ((19, 1), "x")])
def test_days_in_two_formats_are_dates_and_not_personal(shares: tuple[int, int], name: str) -> None:
    column = _column(_mixed(_iso, _slashed, shares=shares), name)

    assert column.semantic.value == "date"
    assert column.pii is None
    assert set((column.format or "").split(" or ")) == {"%Y-%m-%d", "%d/%m/%Y"}
    assert column.casts_to == "DATE"
    assert "phone" not in {other.value for other in column.runners_up}


def test_every_day_is_read_as_the_day_it_is() -> None:
    values = _mixed(_iso, _slashed, _dotted, shares=(5, 3, 2))
    column = _column(values)
    sql = expression(column, "ordered_on", "date").sql

    with duckdb.connect() as con:
        con.execute("create table t (bestellt varchar)")
        con.executemany("insert into t values (?)", [[one] for one in ("2023-12-19", "31/01/2024", "05.04.23")])
        read = con.execute(f"select ({sql})::varchar from t").fetchall()
    assert [one for (one,) in read] == ["2023-12-19", "2024-01-31", "2023-04-05"]


def test_days_among_times_of_day_are_timestamps() -> None:
    column = _column(_mixed(lambda n: f"{_iso(n)} 10:11:12", lambda n: f"{_slashed(n)} 10:11", shares=(6, 4)))

    assert (column.semantic.value, column.casts_to) == ("timestamp", "TIMESTAMP")


def test_days_and_months_that_change_places_are_not_cast() -> None:
    column = _column(_mixed(_slashed, _american, shares=(5, 5)))

    assert column.semantic.value == "date"
    assert column.casts_to is None
    assert "days and months change places" in column.semantic.evidence
    assert column.pii is None


def test_words_among_the_dates_make_them_no_telephone_numbers() -> None:
    words = [f"week {n}" for n in range(9)]
    column = _column([*_mixed(_iso, _slashed, shares=(6, 4))[:60], *words])

    assert column.semantic.value == "date"
    assert column.casts_to is None
    assert column.pii is None


def test_chapters_are_no_dates_and_telephone_numbers_are_still_found() -> None:
    chapters = [f"{1 + n % 28:02d}.{1 + n % 12:02d}{('', '.10', '.03')[n % 3]}" for n in range(400)]
    phones = [f"+49 30 {1_234_567 + 7_919 * n}" if n % 3 else f"030/{2_234_567 + 7_919 * n}" for n in range(200)]

    assert _column(chapters, "kapitel").semantic.value != "date"
    assert _column(phones, "rufnummer").semantic.value == "phone"

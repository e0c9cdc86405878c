"""What columns mean, by their values and names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from plugins.core.discovery import ColumnProfile, discover_stream

_START = datetime(2023, 3, 1, 8, 30, tzinfo=UTC)
_MOMENTS = [_START + timedelta(hours=7 * n) for n in range(120)]
_IBANS = ["DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606", "NL91ABNA0417164300"]
_CARDS = ["4111111111111111", "5500005555555559", "340000000000009", "6011000990139424"]


def _column(values: list, name: str = "c") -> ColumnProfile:
    return discover_stream("things", [{name: value} for value in values]).column(name)


CASES = {
    "email": ("c", [f"user{n}@example.org" for n in range(40)]),
    "url": ("c", [f"https://example.org/{n}" for n in range(40)]),
    "uuid": ("c", [f"00000000-0000-4000-8000-{n:012d}" for n in range(20)] * 2),
    "ip": ("c", [f"192.168.{n}.{n + 1}" for n in range(40)]),
    "iban": ("c", _IBANS * 5),
    "card": ("c", _CARDS * 5),
    "phone": ("c", [f"+49 170 12345{n:02d}" for n in range(40)]),
    "country": ("c", ["Germany", "France", "Spain", "Italy", "Poland", "Japan"] * 5),
    "currency": ("c", ["EUR", "USD", "GBP", "JPY", "CHF"] * 8),
    "language": ("lang", ["de", "en", "fr", "es"] * 8),
    "postal_code": ("c", ["SW1A 1AA", "M1 1AE", "B33 8TH", "CR2 6XH", "DN55 1PT", "EC1A 1BB"]),
    "person_name": ("c", [f"{one} {two}" for one in ("Mary", "John", "Linda") for two in ("Tar", "Oru", "Elm")]),
    "amount": ("c", [f"{n}.50 EUR" for n in range(30)]),
    "percentage": ("c", [f"{n}%" for n in range(30)]),
    "boolean": ("c", ["yes", "no", "no"] * 10),
    "enum": ("c", ["open", "paid", "shipped"] * 30),
    "free_text": ("c", [f"the {n} parcels came late and the box was torn open at one side" for n in range(30)]),
    "json": ("c", [f'{{"a": {n}, "b": [1, 2]}}' for n in range(30)]),
    "time": ("c", [moment.strftime("%H:%M") for moment in _MOMENTS]),
    "latitude": ("lat", [48.1 + n / 100 for n in range(30)]),
    "longitude": ("lng", [11.5 + n / 100 for n in range(30)]),
    "national_id": ("ssn", [f"536-{10 + n}-{1000 + n}" for n in range(30)]),
}  # fmt: skip


@pytest.mark.parametrize("meaning", CASES)
def test_a_meaning_is_recognised_and_says_why(meaning: str) -> None:
    name, values = CASES[meaning]

    found = _column(values, name)

    assert found.semantic.value == meaning, found
    assert 0.5 <= found.semantic.confidence < 1
    assert found.semantic.evidence


FORMATS = {
    "%d.%m.%Y": "date", "%Y-%m-%d": "date", "%b %d, %Y": "date", "%Y%m%d": "date",
    "%Y-%m-%d %H:%M:%S": "timestamp",
    "%d/%m/%Y %H:%M": "timestamp", "%Y-%m-%dT%H:%M:%SZ": "timestamp", "%a, %d %b %Y %H:%M:%S GMT": "timestamp",
}  # fmt: skip


@pytest.mark.parametrize("written", FORMATS)
def test_moments_are_told_with_the_format_in_which_they_are_written(written: str) -> None:
    found = _column([moment.strftime(written) for moment in _MOMENTS])

    assert found.semantic.value == FORMATS[written]
    assert found.format == written
    assert found.zone == ("UTC" if written.endswith(("Z", "GMT")) else None)


def test_days_that_can_not_be_told_from_months_are_told_as_both() -> None:
    found = _column([f"0{1 + n % 9}/0{1 + n % 7}/2024" for n in range(60)])

    assert found.format == "%d/%m/%Y or %m/%d/%Y"
    assert "days from months" in found.semantic.evidence


@pytest.mark.parametrize(("factor", "unit"), [(1, "s"), (1_000, "ms"), (1_000_000, "µs")])
def test_epochs_are_timestamps_in_utc(factor: int, unit: str) -> None:
    found = _column([int(moment.timestamp() * factor) for moment in _MOMENTS], "created_at")

    assert (found.semantic.value, found.format, found.zone) == ("timestamp", f"epoch {unit}", "UTC")


def test_offsets_of_several_zones_are_told() -> None:
    found = _column([f"2024-03-{1 + n % 28:02d}T10:00:00+0{n % 3}:00" for n in range(60)])

    assert found.zone is not None
    assert found.zone.startswith("mixed offsets")


def test_numbers_in_text_say_what_they_can_be_cast_to_and_codes_stay_text() -> None:
    assert _column([str(n) for n in range(100, 160)]).casts_to == "BIGINT"
    assert _column([f"{n}.25" for n in range(60)]).casts_to == "DOUBLE"
    assert _column([f"1.{n:03d},50" for n in range(60)]).format == "1.234,56"
    leading = _column([f"00{n}" for n in range(100, 160)] * 2)
    assert leading.casts_to is None
    assert leading.semantic.value == "code"


def test_an_amount_tells_its_unit_from_values_or_name() -> None:
    assert _column([f"${n}.00" for n in range(40)]).unit == "USD"
    assert _column([n / 2 for n in range(40)], "weight_kg").unit == "kg"
    assert _column([n / 2 for n in range(40)], "price_eur").unit == "EUR"


def test_an_amount_without_a_unit_names_the_column_that_has_it() -> None:
    rows = [{"amount": n + 0.5, "currency": ("EUR", "USD")[n % 2]} for n in range(40)]

    assert discover_stream("payments", rows).column("amount").unit == "column:currency"


def test_values_that_stand_for_none_are_no_values() -> None:
    found = _column([*(str(n) for n in range(60)), *["N/A"] * 20, *["-"] * 20])

    assert set(found.placeholders) == {"N/A", "-"}
    assert found.nullable
    assert found.null_share == pytest.approx(0.4)
    assert found.semantic.value == "number"


def test_nothing_personal_is_shown() -> None:
    rows = [
        {"mail": f"anna{n}@example.org", "first_name": "Anna", "note": f"call +49 170 12345{n:02d} now"}
        for n in range(30)
    ]

    found = discover_stream("people", rows)

    assert [one.pii.value if one.pii else None for one in found.columns] == [
        "email",
        "person_name",
        "contains_phone",
    ]
    assert "anna" not in repr(found).lower().replace("first_name", "")
    assert "12345" not in repr(found)


def test_nothing_personal_is_shown_of_what_is_within() -> None:
    rows = [
        {
            "id": n,
            "mails": [f"anna{n}@example.org"],
            "people": [{"first_name": "Annabel", "age": n}],
            "by_mail": {f"anna{n}@example.org": n, f"anna{n + 1}@example.org": 2},
            "text": f'{{"full_name": "Annabel Tar", "n": {n}}}',
        }
        for n in range(30)
    ]

    found = discover_stream("nested", rows)

    assert "anna" not in repr(found).lower()


def test_few_values_say_less_than_many() -> None:
    few, many = ([f"user{n}@example.org" for n in range(count)] for count in (2, 200))

    assert _column(few).semantic.confidence < _column(many).semantic.confidence


def test_stored_types_are_taken_at_their_word() -> None:
    table = pa.table(
        {
            "at": pa.array(_MOMENTS, pa.timestamp("us", "UTC")),
            "day": pa.array([moment.date() for moment in _MOMENTS]),
            "is_new": pa.array([n % 2 == 0 for n in range(len(_MOMENTS))]),
            "price": pa.array([n + 0.5 for n in range(len(_MOMENTS))]).cast(pa.decimal128(12, 2)),
        }
    )

    found = discover_stream("typed", table)

    assert [one.data_type for one in found.columns] == [
        "TIMESTAMP WITH TIME ZONE",
        "DATE",
        "BOOLEAN",
        "DECIMAL(12,2)",
    ]
    assert [one.semantic.value for one in found.columns] == ["timestamp", "date", "boolean", "amount"]
    assert found.column("at").zone == "UTC"


def test_names_alone_say_little() -> None:
    found = discover_stream(
        "nothing", pa.table({"email": pa.array([], pa.string()), "x": pa.array([], pa.string())})
    )

    assert found.column("email").semantic.value == "email"
    assert found.column("email").semantic.confidence <= 0.3
    assert found.column("x").semantic.value == "empty"

"""CSV as it comes: what can be read lands as written, what cannot is a dead letter with its reason."""

from __future__ import annotations

import pytest


def test_values_land_exactly_as_written(drop) -> None:
    drop.put(
        "a.csv",
        "id,v,d,n\n1,  padded ,0000-00-00,007\n2,,2020-02-30,1e400\n"
        '3,"",1.50,-0\n4,NULL,null,NaN\n5,"a ""quoted"", comma\nand line",\\N,\t\n',
    )
    drop.load()
    assert drop.bronze("select id, v, d, n from bronze order by id") == [
        ("1", "  padded ", "0000-00-00", "007"),
        ("2", None, "2020-02-30", "1e400"),
        ("3", "", "1.50", "-0"),
        ("4", "NULL", "null", "NaN"),
        ("5", 'a "quoted", comma\nand line', "\\N", "\t"),
    ]


def test_long_values_and_awkward_column_names(drop) -> None:
    long = "x" * 10_000
    drop.put("a.csv", f'id,select,"with space ""quoted""",Ünïcode 🎉\n1,a,{long},é\n')
    drop.load()
    assert drop.bronze('select "select", "with space ""quoted""", "Ünïcode 🎉" from bronze') == [("a", long, "é")]
    assert drop.load().outcome == "unchanged"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(drop, ends: str, last: bool) -> None:
    drop.put("a.csv", ends.join(["id,v", "1,a", "2,b"]) + (ends if last else ""))
    drop.load()
    assert drop.bronze("select id, v from bronze order by id") == [("1", "a"), ("2", "b")]


def test_a_byte_order_mark_is_no_part_of_the_first_column(drop) -> None:
    drop.put("a.csv", "\ufeffid,v\n1,a\n")
    drop.load()
    assert drop.bronze("select id, v from bronze") == [("1", "a")]


def test_bytes_that_are_not_utf8_are_read_as_latin1_and_noted(drop) -> None:
    drop.put("a.csv", "id,v\n1,café\n".encode("latin-1"))
    drop.put("b.csv", "id,v\n2,café\n")
    result = drop.load()
    assert result.notes == ("a.csv: not utf-8, read as Latin-1",)
    assert drop.bronze("select id, v from bronze order by id") == [("1", "café"), ("2", "café")]


def test_another_encoding_and_delimiter(drop) -> None:
    drop.stream(encoding="utf-16", delimiter=";")
    drop.put("a.csv", "id;v\n1;żółw\n".encode("utf-16"))
    drop.load()
    assert drop.bronze("select id, v from bronze") == [("1", "żółw")]


@pytest.mark.parametrize("content", ["", "\n", "id,v\n", "id,v", "\ufeff"])
def test_files_without_records_are_read_and_stop_nothing(drop, content: str) -> None:
    drop.put("a.csv", content)
    drop.put("b.csv", "id,v\n1,a\n")
    result = drop.load()
    assert (result.rows_loaded, result.dead_letters) == (1, 0)
    assert drop.load().rows_read == 0


def test_a_missing_column_holds_back_its_file_until_it_is_repaired(drop) -> None:
    drop.stream(columns=["id", "v"])
    drop.put("bad.csv", "id,w\n1,a\n")
    drop.put("good.csv", "id,v\n2,b\n")
    result = drop.load()
    assert (result.rows_loaded, result.dead_letters) == (1, 1)
    ((reason, raw),) = drop.letters()
    assert reason == "bad.csv: column v is missing (the file has: id, w)"
    assert raw == b"id,w\n1,a\n"
    again = drop.load()
    assert (again.outcome, again.dead_letters) == ("unchanged", 0)
    assert len(drop.letters()) == 1
    drop.put("bad.csv", "id,v\n1,a\n")
    assert drop.load().rows_loaded == 1
    assert drop.bronze("select id, v from bronze order by id") == [("1", "a"), ("2", "b")]


def test_an_extra_column_is_kept(drop) -> None:
    drop.stream(columns=["id", "v"])
    drop.put("a.csv", "id,v\n1,a\n")
    drop.load()
    drop.put("b.csv", "v,id,more\nb,2,x\n")
    assert drop.load().rows_loaded == 1
    assert drop.bronze("select id, v, more from bronze order by id") == [("1", "a", None), ("2", "b", "x")]


def test_records_with_too_many_or_too_few_fields_are_dead_letters(drop) -> None:
    drop.put("a.csv", "id,v\n1,a\n2\n3,c,extra\n4,d\n")
    result = drop.load()
    assert (result.rows_loaded, result.dead_letters) == (2, 2)
    assert drop.bronze("select id from bronze order by id") == [("1",), ("4",)]
    assert [raw for _, raw in drop.letters()] == [b"2", b"3,c,extra"]
    assert all(reason for reason, _ in drop.letters())
    assert drop.load().dead_letters == 0
    assert len(drop.letters()) == 2


def test_a_broken_quote_loses_no_good_file(drop) -> None:
    drop.put("a.csv", 'id,v\n1,a\n2,"never closed\n')
    drop.put("b.csv", "id,v\n3,c\n")
    result = drop.load()
    assert result.dead_letters >= 1
    assert {row[0] for row in drop.bronze("select id from bronze")} == {"1", "3"}
    assert any(b"never closed" in raw for _, raw in drop.letters())


def test_a_quote_in_the_middle_of_a_value(drop) -> None:
    drop.put("a.csv", 'id,v\n1,5" pipe\n2,b\n3,"x" y\n4,d\n')
    result = drop.load()
    landed = {row[0] for row in drop.bronze("select id from bronze")}
    assert {"1", "2", "4"} <= landed
    assert len(landed) + result.dead_letters == 4


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"id,v\n1,a\x00b\n2,c\n", "NUL byte"), (bytes(range(256)) * 20, "binary")],
)
def test_binary_content_is_no_crash(drop, content: bytes, expected: str) -> None:
    drop.put("a.csv", content)
    drop.put("b.csv", "id,v\n9,z\n")
    drop.load()
    assert drop.bronze("select v from bronze where id = '9'") == [("z",)], expected


def test_a_column_name_that_repeats_is_a_dead_letter(drop) -> None:
    drop.put("a.csv", "id,v,v\n1,a,b\n")
    drop.put("b.csv", "id,v\n2,c\n")
    result = drop.load()
    assert (result.rows_loaded, result.dead_letters) == (1, 1)
    assert "a.csv: column v is there twice" in drop.letters()[0][0]


def test_a_value_of_megabytes(drop) -> None:
    drop.put("a.csv", f"id,v\n1,{'x' * 5_000_000}\n2,b\n")
    drop.put("b.csv", "id,v\n3,c\n")
    result = drop.load()
    landed = drop.bronze("select id, length(v) from bronze order by id")
    assert result.rows_loaded + result.dead_letters == 3
    assert ("3", 1) in landed


def test_a_header_without_a_name_is_a_dead_letter(drop) -> None:
    drop.put("a.csv", "id,,v\n1,a,b\n")
    assert drop.load().dead_letters == 1
    assert drop.letters()[0][0] == "a.csv: column 2 has no name"

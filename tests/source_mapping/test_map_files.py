"""`smelt map --source-file A --target-file B`: any two tables, as people have them on their disks."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from plugins.cli import _assemble  # pyright: ignore[reportPrivateUsage]
from plugins.core.errors import SmeltError

CUSTOMERS = [
    ["CustNo", "FName", "Surname", "E-Mail", "DOB", "Ctry"],
    ["C001", "Ann", "Smith", "ann@example.com", "1980-02-03", "DE"],
    ["C002", "Bob", "Jones", "bob@example.com", "1991-12-24", "FR"],
    ["C003", "Eve", "Brown", "eve@example.com", "1975-07-30", "ES"],
]
ENTITY = [
    ["customer_id", "first_name", "last_name", "email", "birth_date", "country_code", "is_active"],
    ["C002", "Bob", "Jones", "bob@example.com", "1991-12-24", "FR", "true"],
    ["C004", "Ann", "Adams", "adams@example.com", "1969-01-01", "DE", "false"],
]
RIGHT = {
    "CustNo": "customer_id", "FName": "first_name", "Surname": "last_name", "E-Mail": "email", "DOB": "birth_date",
    "Ctry": "country_code",
}  # fmt: skip


@pytest.fixture(scope="module")
def smelt() -> Callable[..., Result]:
    app = _assemble()
    return lambda *arguments: CliRunner().invoke(app, ["map", *map(str, arguments)])


@pytest.fixture
def matched(smelt: Callable[..., Result], tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Pairs of a file, and of `ENTITY` if no other target is given."""
    entity = write(tmp_path / "customer.csv", ENTITY)

    def run(source: Path, target: Path = entity, *more: object) -> list[dict[str, Any]]:
        result = smelt("--source-file", source, "--target-file", target, "--json", *more)
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    return run


def write(path: Path, rows: Sequence[Sequence[str]], delimiter: str = ",", encoding: str = "utf-8") -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def best(pairs: list[dict[str, Any]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        found.setdefault(pair["source_column"], pair["target_column"])
    return found


def test_pairs_are_ranked_and_each_source_column_has_its_best_ones(matched, tmp_path) -> None:
    pairs = matched(write(tmp_path / "crm.csv", CUSTOMERS))
    assert best(pairs) == RIGHT
    assert all(set(pair) == {"source_column", "target_column", "confidence"} for pair in pairs)
    confidences = [pair["confidence"] for pair in pairs]
    assert confidences == sorted(confidences, reverse=True)
    assert min(confidences) >= 0
    assert max(confidences) <= 1
    assert len(pairs) == len(CUSTOMERS[0]) * len(ENTITY[0])


def test_names_alone_are_enough(matched, tmp_path) -> None:
    found = best(matched(write(tmp_path / "a.csv", CUSTOMERS[:1]), write(tmp_path / "b.csv", ENTITY[:1])))
    assert {name: found[name] for name in ("CustNo", "Surname", "E-Mail", "DOB")} == {
        name: RIGHT[name] for name in ("CustNo", "Surname", "E-Mail", "DOB")
    }


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "\x01"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252", "utf-32"])
def test_any_delimiter_and_encoding_is_read(matched, tmp_path, delimiter, encoding) -> None:
    rows = [[*CUSTOMERS[0], "Straße"], *([*row, "Größe, 5; é"] for row in CUSTOMERS[1:])]
    found = best(matched(write(tmp_path / "crm.csv", rows, delimiter, encoding)))
    assert found.pop("Straße")
    assert found == RIGHT


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "shift_jis"])
def test_encodings_of_other_scripts_are_told_by_their_bytes(matched, tmp_path, encoding) -> None:
    names = ["氏名", "電話番号", "日付"] if encoding == "shift_jis" else ["姓名", "地址", "日期"]
    words = "東京都中央区の会社です" if encoding == "shift_jis" else "今天的新聞公司地址在北京市"
    rows = [names, *([word, words, f"2024-01-{day:02}"] for day, word in enumerate(words, 1))]
    found = matched(write(tmp_path / "a.csv", rows, encoding=encoding))
    assert {pair["source_column"] for pair in found} == set(names)


def test_files_of_every_kind_give_the_same_columns(matched, tmp_path) -> None:
    header, *rows = CUSTOMERS
    records = [dict(zip(header, row, strict=True)) for row in rows]
    (tmp_path / "list.json").write_text(json.dumps(records))
    (tmp_path / "envelope.json").write_text(json.dumps({"page": 1, "data": records}))
    (tmp_path / "lines.ndjson").write_text("".join(json.dumps(record) + "\n" for record in records))
    (tmp_path / "lines.jsonl.gz").write_bytes(gzip.compress((tmp_path / "lines.ndjson").read_bytes()))
    plain = write(tmp_path / "plain.csv", CUSTOMERS)
    (tmp_path / "packed.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    parquet = tmp_path / "odd [1]*.parquet"
    duckdb.sql(f"from read_csv('{plain}', all_varchar = true)").write_parquet(str(tmp_path / "x.parquet"))
    (tmp_path / "x.parquet").rename(parquet)
    (tmp_path / "packed.parquet.gz").write_bytes(gzip.compress(parquet.read_bytes()))
    expected = matched(plain)
    for path in tmp_path.iterdir():
        if path.name not in ("customer.csv", "plain.csv"):
            assert matched(path) == expected, path


def test_objects_in_objects_are_columns_by_the_names_on_the_way(matched, tmp_path) -> None:
    source = tmp_path / "a.json"
    source.write_text(json.dumps([{"id": 1, "address": {"city": "Rome", "geo": {"lat": 41.9}}, "tags": ["a"]}]))
    target = write(tmp_path / "b.csv", [["city", "latitude"], ["Rome", "41.9"]])
    found = best(matched(source, target))
    assert set(found) == {"id", "address.city", "address.geo.lat", "tags"}
    assert (found["address.city"], found["address.geo.lat"]) == ("city", "latitude")


def test_names_given_twice_or_not_at_all_are_kept_apart(smelt, tmp_path) -> None:
    source = write(tmp_path / "a.csv", [["id", "id", "", "", "  Name "], ["1", "x", "2", "3", "Ann"]])
    target = write(tmp_path / "b.csv", [["id", "name"], ["1", "Ann"]])
    result = smelt("--source-file", source, "--target-file", target, "--json")
    names = [pair["source_column"] for pair in json.loads(result.stdout)]
    assert sorted(names) == sorted(2 * ["id", "id", "", "", "  Name "])
    assert "given again" in result.stderr
    assert "no name" in result.stderr


def test_lines_of_other_widths_do_no_harm(smelt, tmp_path) -> None:
    source = tmp_path / "a.csv"
    source.write_text("id,name,city\n1,Ann\n2,Bob,Rome,more,and more\n\n3\n4,Eve,Bonn\n")
    target = write(tmp_path / "b.csv", [["id", "name", "city"], ["1", "Ann", "Rome"]])
    result = smelt("--source-file", source, "--target-file", target, "--json")
    assert best(json.loads(result.stdout)) == {"id": "id", "name": "name", "city": "city"}
    assert "more values than the header has names" in result.stderr


@pytest.mark.parametrize(
    "body",
    [
        '1,"two\nlines, and a comma",Rome\n2,"say ""hi""",Bonn\n',
        '1,"never closed,Rome\n2,Bob,Bonn\n3,Eve,Oslo\n',
        '1,"back \\"slash\\", here",Rome\n2,Bob,Bonn\n',
        '1,5" pipe,Rome\n2,"quoted" and more,Bonn\n',
        "sep=,",
    ],
    ids=["newline", "never closed", "backslash", "in the middle", "Excel"],
)
def test_quotes_however_they_are_meant(matched, tmp_path, body) -> None:
    source = tmp_path / "a.csv"
    source.write_text("sep=;\nid;name;city\n1;Ann;Rome\n" if body == "sep=," else "id,name,city\n" + body)
    target = write(tmp_path / "b.csv", [["city", "name", "id"], ["Rome", "Ann", "1"], ["Bonn", "Bob", "2"]])
    assert best(matched(source, target)) == {"id": "id", "name": "name", "city": "city"}


@pytest.mark.full
def test_huge_values_and_very_many_columns_are_read(matched, tmp_path) -> None:
    wide = write(tmp_path / "wide.csv", [[f"measure_{number}" for number in range(10_000)]])
    pairs = matched(write(tmp_path / "a.csv", [["measure_77"]]), wide)
    assert pairs[0]["target_column"] == "measure_77"
    long = write(tmp_path / "long.csv", [["id", "body"], ["1", "word " * 400_000]])
    target = write(tmp_path / "b.csv", [["id", "text"], ["1", "word word"]])
    assert best(matched(long, target)) == {"id": "id", "body": "text"}


def test_what_files_are_called_says_nothing_unless_it_is_their_subject(matched, tmp_path) -> None:
    rows = [["id", "name"], ["1", "Ann"]]
    (tmp_path / "in").mkdir()
    plain = matched(write(tmp_path / "a.csv", rows), write(tmp_path / "in" / "b.csv", rows))
    assert matched(write(tmp_path / "source.csv", rows), write(tmp_path / "target_2024.csv", rows)) == plain


def test_tables_too_wide_for_each_other_are_refused(smelt, tmp_path) -> None:
    wide = write(tmp_path / "wide.csv", [[f"c{number}" for number in range(10_000)]])
    result = smelt("--source-file", wide, "--target-file", wide, "--json")
    assert isinstance(result.exception, SmeltError)
    assert "10,000 × 10,000" in result.exception.message


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "is empty"),
        ("a.csv", b"\xef\xbb\xbf \n\n", "is empty"),
        ("a.csv", bytes(range(256)) * 20, "is no text"),
        ("a.csv", b"\x7fELF\x02\x01\x01" + bytes(100) + b"code", "is no text"),
        ("a.xlsx", b"PK\x03\x04 and so on", "Excel"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00 torn", "cannot be read"),
        ("a.parquet", b"PAR1 torn", "cannot be read"),
        ("a.json", b'{"a": 1,', "is no JSON"),
        ("a.json", b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_table_is_one_clear_error(smelt, tmp_path, name, content, said) -> None:
    (tmp_path / name).write_bytes(content)
    target = write(tmp_path / "b.csv", ENTITY)
    for files in ((tmp_path / name, target), (target, tmp_path / name)):
        result = smelt("--source-file", files[0], "--target-file", files[1], "--json")
        assert isinstance(result.exception, SmeltError), result.output
        assert said in result.exception.message
        assert name in result.exception.message
        assert result.exception.hint
        assert result.stdout == ""


def test_a_file_that_is_not_there_and_a_folder_are_named(smelt, tmp_path) -> None:
    target = write(tmp_path / "b.csv", ENTITY)
    for path, said in ((tmp_path / "none.csv", "there is no file"), (tmp_path, "is a folder")):
        result = smelt("--source-file", path, "--target-file", target)
        assert isinstance(result.exception, SmeltError)
        assert said in result.exception.message


def test_a_table_without_columns_has_no_pairs(matched, smelt, tmp_path) -> None:
    nothing = tmp_path / "nothing.json"
    nothing.write_text("[]")
    some = write(tmp_path / "a.csv", CUSTOMERS)
    assert matched(nothing) == matched(some, nothing) == matched(nothing, nothing) == []
    assert "nothing to match" in smelt("--source-file", nothing, "--target-file", some).stdout


DESCRIBED = {"source": {"f1": "E-mail address of the buyer"}, "target": {"contact": "Electronic mail address"}}
DBT = """
models:
  - name: t
    description: Buyers.
    columns:
      - {name: contact, description: Electronic mail address}
sources:
  - name: crm
    tables:
      - name: s
        columns: [{name: f1, description: E-mail address of the buyer}]
"""


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d.json", json.dumps(DESCRIBED)),
        ("d.yml", "source:\n  f1: E-mail address of the buyer\ntarget:\n  contact: Electronic mail address\n"),
        (
            "d.csv",
            "table,column,description\nsource,F1,E-mail address of the buyer\nt,contact,Electronic mail address\n",
        ),
        ("dbt.yml", DBT),
    ],
)
def test_descriptions_say_what_names_do_not(matched, tmp_path, name, text) -> None:
    source = write(tmp_path / "s.csv", [["f1", "f2"]])
    target = write(tmp_path / "t.csv", [["amount", "contact"]])
    (tmp_path / name).write_text(text)
    bare = {(p["source_column"], p["target_column"]): p["confidence"] for p in matched(source, target)}
    told = {
        (p["source_column"], p["target_column"]): p["confidence"]
        for p in matched(source, target, "--descriptions", tmp_path / name)
    }
    assert told["f1", "contact"] > bare["f1", "contact"]
    assert told["f1", "contact"] == max(told.values())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("d.yml", "a: [1"),
        ("d.yml", "just words"),
        ("d.csv", "a,b\n1,2\n"),
        ("d.json", "[1, 2]"),
        ("d.yml", "a: 5"),
    ],
)
def test_descriptions_of_another_form_are_one_clear_error(smelt, tmp_path, name, text) -> None:
    (tmp_path / name).write_text(text)
    some = write(tmp_path / "a.csv", CUSTOMERS)
    result = smelt("--source-file", some, "--target-file", some, "--descriptions", tmp_path / name)
    assert isinstance(result.exception, SmeltError), result.output
    assert name in result.exception.message
    assert "table,column,description" in (result.exception.hint or "")


def test_descriptions_of_unknown_columns_are_told(smelt, tmp_path) -> None:
    (tmp_path / "d.json").write_text('{"source": {"gone": "text"}}')
    some = write(tmp_path / "a.csv", CUSTOMERS)
    result = smelt("--source-file", some, "--target-file", some, "--descriptions", tmp_path / "d.json", "--json")
    assert "1 descriptions are of columns that neither table has" in result.stderr
    json.loads(result.stdout)


def test_people_are_told_the_best_target_and_why(smelt, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    source = write(tmp_path / "crm.csv", [[*row, "zzqx"] for row in CUSTOMERS])
    target = write(tmp_path / "customer.csv", ENTITY)
    out = smelt("--source-file", source, "--target-file", target).stdout
    assert "crm → customer" in out
    assert "the same name, written out: `birth`, `date`; 1 of 3 values found" in out
    assert "no target  zzqx" in out
    assert "no source  is_active" in out
    assert "7 source columns" in out
    assert "--json has all pairs" in out


def test_hostile_names_are_harmless_in_both_outputs(smelt, tmp_path) -> None:
    names = [
        "[bold red]id[/]",
        "\x1b[31mid\x07",
        "id\u202e",
        "'; drop table x; --",
        "{{ id }}",
        "id\nid",
        "9" * 5_000,
    ]
    source = write(tmp_path / "[red]a.csv", [names])
    target = write(tmp_path / "b.csv", [["[/]id", "\x1b]0;id"]])
    out = smelt("--source-file", source, "--target-file", target)
    assert out.exit_code == 0, out.exception
    assert "[bold red]id[/]" in out.stdout
    assert not set("\x1b\x07\u202e") & set(out.stdout)
    found = smelt("--source-file", source, "--target-file", target, "--json")
    assert {pair["source_column"] for pair in json.loads(found.stdout)} == set(names)
    assert found.stdout.isascii()
    assert "\x1b" not in found.stdout


def table(least: int = 1) -> st.SearchStrategy[list[list[str]]]:
    """A header and some rows of any text that a file can hold."""
    text = st.text(st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
    return st.integers(least, 5).flatmap(
        lambda width: st.lists(st.lists(text, min_size=width, max_size=width), min_size=1, max_size=6)
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=table(), target=table(), is_turned=st.booleans())
def test_any_two_tables_of_text_give_valid_pairs(smelt, tmp_path, source, target, is_turned) -> None:
    def run(source_rows: list[list[str]]) -> list[dict[str, Any]]:
        paths = [tmp_path / "a.json", tmp_path / "b.json"]
        for path, (header, *rows) in zip(paths, (source_rows, target), strict=True):
            # JSON, since its names are what they are, whatever signs they hold.
            records = [dict(zip(header, row, strict=True)) for row in rows]
            path.write_text(json.dumps(records or [dict.fromkeys(header)]))
        result = smelt("--source-file", paths[0], "--target-file", paths[1], "--json")
        assert result.exit_code == 0, (result.output, result.exception)
        return json.loads(result.stdout)

    pairs = run(source)
    assert pairs == run(source)
    assert {pair["source_column"] for pair in pairs} == set(source[0])
    assert {pair["target_column"] for pair in pairs} == set(target[0])
    assert all(0 <= pair["confidence"] <= 1 for pair in pairs)
    turned = run([source[0], *reversed(source[1:])]) if is_turned else pairs
    assert len(turned) == len(pairs)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(source=table(), target=table(2))
def test_any_two_csv_files_give_valid_pairs_or_one_clear_error(smelt, tmp_path, source, target) -> None:
    paths = write(tmp_path / "a.csv", source), write(tmp_path / "b.csv", target)
    result = smelt("--source-file", paths[0], "--target-file", paths[1], "--json")
    if isinstance(result.exception, SmeltError):
        assert "is empty" in result.exception.message or "is no text" in result.exception.message
    else:
        assert result.exit_code == 0, result.exception
        assert all(0 <= pair["confidence"] <= 1 for pair in json.loads(result.stdout))

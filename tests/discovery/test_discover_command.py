"""`smelt discover`, as a user runs it."""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import typer
from pyiceberg.catalog.sql import SqlCatalog
from typer.testing import CliRunner, Result

from plugins.core.errors import SmeltError
from plugins.core.settings import load_settings
from plugins.core.warehouse.published import PublishedRun, PublishedTable, point_to, write_run
from plugins.discovery.command import register
from tests.build.shop import load_shop, new_project

_APP = typer.Typer()
register(_APP)
_APP.command("other")(lambda: None)


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(_APP, ["discover", *map(str, arguments)])


def _json(*arguments: str | Path) -> dict:
    result = _run(*arguments, "--json")
    assert result.exit_code == 0, result.exception or result.stderr
    return json.loads(result.stdout)


def _error(*arguments: str | Path) -> SmeltError:
    result = _run(*arguments)
    assert isinstance(result.exception, SmeltError), result.exception or result.stdout
    assert result.exception.hint
    return result.exception


def _columns(stream: dict) -> list[str]:
    return [column["name"] for column in stream["columns"]]


_ORDERS = "id;customer;ordered\n" + "".join(f"{n};c{n % 9};{1 + n % 28:02d}.03.2024\n" for n in range(60))


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(_ORDERS)
    return path


def test_a_file_is_told_as_json(orders: Path) -> None:
    found = _json(orders)

    (stream,) = found["streams"]
    assert (stream["name"], stream["rows"], stream["sampled"]) == ("orders", 60, 60)
    assert stream["keys"][0]["columns"] == ["id"]
    assert stream["columns"][2]["format"] == "%d.%m.%Y"
    assert stream["columns"][2]["semantic"]["type"] == "date"
    assert stream["columns"][2]["casts_to"] == "DATE"
    assert found["foreign_keys"] == []


def test_a_file_is_told_as_a_table(orders: Path) -> None:
    result = _run(orders)

    assert result.exit_code == 0
    assert "orders  60 rows" in result.stdout
    assert "VARCHAR → DATE" in result.stdout


WRITTEN: dict[str, tuple[str, bytes, list[str]]] = {
    "latin-1": ("t.csv", "id;ort\n1;München\n2;Köln\n".encode("latin-1"), ["id", "ort"]),
    "utf-16": ("t.csv", "id\tort\n1\tMünchen\n2\tKöln\n".encode("utf-16"), ["id", "ort"]),
    "byte order mark": ("t.csv", b"\xef\xbb\xbfid,ort\n1,x\n2,y\n", ["id", "ort"]),
    "tabs": ("t.tsv", b"id\tort\n1\tx,y\n2\tz,y\n", ["id", "ort"]),
    "packed": ("t.csv.gz", gzip.compress(b"id,ort\n1,x\n2,y\n"), ["id", "ort"]),
    "duplicate headers": (
        "t.csv",
        b"id,ort,ort,,Id\n1,a,b,c,2\n2,a,b,c,3\n",
        ["id", "ort", "ort_2", "column_4", "Id_2"],
    ),
    "header only": ("t.csv", b"id,ort\n", ["id", "ort"]),
    "no header": ("t.csv", b"1,2024-01-01\n2,2024-01-02\n", ["column_1", "column_2"]),
    "lines of JSON": ("t.ndjson", b'{"id": 1, "o": {"a": 2}}\n\n{"id": 2}\n', ["id", "o__a"]),
    "an envelope": ("t.json", b'{"data": [{"id": 1}, {"id": 2}], "next": null}', ["id"]),
    "no numbers": ("t.json", b'[{"a": NaN}, {"a": Infinity}]', ["a"]),
    "quotes within": ("t.csv", b'id,ort\n1,5" pipe\n2,"say "hi" now"\n3,x\n', ["id", "ort"]),
    "plain, called packed": ("t.csv.gz", b"id,ort\n1,x\n", ["id", "ort"]),
    "quotes and lines": ("t.csv", b'id,ort\n1,"a\nb, c"\n2,"say ""x"""\n', ["id", "ort"]),
}


@pytest.mark.parametrize("case", WRITTEN)
def test_files_are_read_however_they_are_written(tmp_path: Path, case: str) -> None:
    name, content, columns = WRITTEN[case]
    (tmp_path / name).write_bytes(content)

    (stream,) = _json(tmp_path / name)["streams"]

    assert stream["name"] == "t"
    assert _columns(stream) == columns


def test_what_was_changed_or_left_out_is_told(tmp_path: Path) -> None:
    (tmp_path / "ragged.csv").write_text("a,b,a\n1,2,3\n4\n5,6,7,8\n")

    (stream,) = _json(tmp_path / "ragged.csv")["streams"]

    assert stream["rows"] == 2
    assert any("`a` → `a_2`" in note for note in stream["notes"])
    assert any("left out" in note and "line 4" in note for note in stream["notes"])


BROKEN: dict[str, tuple[str, bytes]] = {
    "empty": ("t.csv", b""),
    "blank": ("t.csv", b"\n\n  \n"),
    "no text": ("t.csv", b"a,b\n1,\x00\n"),
    "no archive": ("t.csv.gz", b"\x1f\x8bnothing"),
    "no parquet": ("t.parquet", b"PAR1 nothing"),
    "no JSON": ("t.json", b'{"a": '),
    "endless nesting": ("t.json", b"[" * 100_000 + b"]" * 100_000),
    "no spreadsheet": ("t.xlsx", b"PK\x03\x04"),
    "no database": ("t.sqlite", b"nothing of the kind"),
    "of no kind": ("t.exe", b"MZ"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_what_cannot_be_read_is_one_message(tmp_path: Path, case: str) -> None:
    name, content = BROKEN[case]
    (tmp_path / name).write_bytes(content)

    assert name in _error(tmp_path / name).message


@pytest.mark.parametrize(
    "place",
    [
        "",
        "missing.csv",
        "no/such/folder",
        "nowhere",
        "mysql://u:hidden-word@h/d",
        "sqlite:///none.db",
        "https://x.org/a.csv",
    ],
)
def test_places_that_are_none_are_one_message(project: Path, place: str) -> None:
    error = _error(place, "--project-dir", project)

    assert "hidden-word" not in str(error)


@pytest.mark.parametrize(("url", "page"), [("mysql://u@h/d", "mysql.md"), ("mongodb://h/d", "mongodb.md")])
def test_databases_that_are_loaded_but_not_discovered_say_how(project: Path, url: str, page: str) -> None:
    error = _error(url, "--project-dir", project)

    assert page in (error.hint or "")
    assert (Path("docs/how-to") / page).is_file()


def test_a_folder_of_nothing_is_one_message(tmp_path: Path) -> None:
    (tmp_path / "readme.md").write_text("nothing")

    assert "nothing to read" in _error(tmp_path).message


def test_files_of_a_folder_are_joined_by_their_names(tmp_path: Path) -> None:
    for month in ("2024-01", "2024-02"):
        (tmp_path / f"orders_{month}.csv").write_text(f"id,month\n{month[-1]},{month}\n")
    (tmp_path / "visits").mkdir()
    for part in range(3):
        duckdb.sql(f"select {part} as visit_id, 1 as id").write_parquet(
            str(tmp_path / "visits" / f"part-{part:04d}.parquet")
        )
    (tmp_path / "users.json").write_text('[{"id": 1}]')
    (tmp_path / "notes.md").write_text("x")

    found = _json(tmp_path)

    assert {stream["name"]: stream["rows"] for stream in found["streams"]} == {
        "orders": 2,
        "users": 1,
        "visits": 3,
    }
    assert [stream["name"] for stream in _json(tmp_path, "--stream", "users")["streams"]] == ["users"]
    assert "users" in str(_error(tmp_path, "--stream", "user"))


def test_sheets_are_streams(tmp_path: Path) -> None:
    from zipfile import ZipFile

    def sheet(rows: str) -> str:
        return f'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{rows}</sheetData></worksheet>'

    def text(value: str) -> str:
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    names = ("users", "visits")
    with ZipFile(tmp_path / "book.xlsx", "w") as book:
        sheets = "".join(f'<sheet name="{one}" sheetId="{n}" r:id="r{n}"/>' for n, one in enumerate(names, 1))
        links = "".join(
            f'<Relationship Id="r{n}" Type="{kinds}/worksheet" Target="{one}.xml"/>'
            for n, one in enumerate(names, 1)
        )
        book.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{main}" xmlns:r="{kinds}"><sheets>{sheets}</sheets></workbook>'
        )
        root = f'<Relationship Id="r1" Type="{kinds}/officeDocument" Target="xl/workbook.xml"/>'
        book.writestr("_rels/.rels", f'<Relationships xmlns="{package}">{root}</Relationships>')
        book.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}">{links}</Relationships>')
        head = f"<row>{text('id')}{text('mail')}</row>"
        book.writestr(
            "xl/users.xml",
            sheet(head + "".join(f"<row><c><v>{n}</v></c>{text(f'u{n}@b.org')}</row>" for n in range(9))),
        )
        book.writestr("xl/visits.xml", sheet(f"<row>{text('id')}</row><row><c><v>1</v></c></row>"))

    found = _json(tmp_path / "book.xlsx")

    assert {stream["name"]: stream["rows"] for stream in found["streams"]} == {"book__users": 9, "book__visits": 1}
    assert [one["type"] for one in found["streams"][0]["columns"]] == ["BIGINT", "VARCHAR"]


def test_files_of_like_names_and_other_columns_are_streams_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "table1.csv").write_text("id,name\n1,x\n")
    (tmp_path / "table2.csv").write_text("sku,price,stock\nA,2,3\n")
    (tmp_path / "table3.csv").write_text("id,name\n2,y\n")

    found = _json(tmp_path)

    assert {stream["name"]: stream["rows"] for stream in found["streams"]} == {"table": 2, "table2": 1}


@pytest.mark.parametrize("kind", ["sqlite", "duckdb"])
def test_databases_are_read_with_what_they_declare(tmp_path: Path, kind: str) -> None:
    tables = (
        "create table users (id integer primary key, mail text); create table visits (id integer primary key, "
        "by_user integer references users (id)); insert into users values (1, 'a@b.org'), (2, 'c@d.org'); "
        "insert into visits values (1, 1), (2, 2), (3, 2);"
    )
    path = tmp_path / "shop.db"
    opened: Callable = sqlite3.connect if kind == "sqlite" else duckdb.connect
    with closing(opened(str(path))) as db:
        db.executescript(tables) if kind == "sqlite" else db.execute(tables)

    for place in (str(path), f"{kind}:///{path}"):
        found = _json(place)
        assert [stream["keys"][0]["evidence"][:8] for stream in found["streams"]] == ["declared"] * 2
        assert [(one["from"], one["columns"], one["to"]) for one in found["foreign_keys"]] == [
            ("visits", ["by_user"], "users")
        ]
    assert "a@b.org" not in json.dumps(found)


def test_values_of_other_types_than_sqlite_declares_are_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "odd.sqlite")) as db:
        db.executescript("create table t (n integer); insert into t values (1), ('two'), (3)")

    (stream,) = _json(tmp_path / "odd.sqlite")["streams"]

    assert stream["rows"] == 3
    assert any("read as text" in note for note in stream["notes"])


def test_postgresql_is_read_without_telling_its_password(postgres: str) -> None:
    import psycopg

    with psycopg.connect(postgres, autocommit=True) as db:
        db.execute("create schema if not exists found")
        db.execute("create table found.users (id int primary key, mail text)")
        db.execute("create table found.visits (id int primary key, user_id int references found.users)")
        db.execute("insert into found.users select n, 'u' || n || '@b.org' from generate_series(1, 40) n")
        db.execute("insert into found.visits select n, 1 + n % 40 from generate_series(1, 90) n")

    found = _json(postgres, "--stream", "found.visits")
    both = _json(postgres)

    assert [stream["name"] for stream in found["streams"]] == ["found.visits"]
    references = [one for one in both["foreign_keys"] if one["from"] == "found.visits"]
    assert [(one["to"], one["to_columns"]) for one in references] == [("found.users", ["id"])]
    assert references[0]["evidence"].startswith("declared")
    wrong = (
        postgres.replace("postgresql://", "postgresql://nobody:hidden-word@", 1)
        if "@" not in postgres
        else postgres + "x"
    )
    assert "hidden-word" not in str(_error(wrong))


def test_a_source_is_read_as_it_is_in_bronze(tmp_path: Path) -> None:
    settings = new_project(tmp_path / "project")
    folder = settings.project_dir / "sources" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "source.yml").exists():
        (folder / "source.yml").write_text("name: shop\nstreams: []\n")
    assert "smelt ingest shop" in str(_error("shop", "--project-dir", settings.project_dir))
    load_shop(settings, 60)

    found = _json("shop", "--project-dir", settings.project_dir)
    table = _json("shop__orders", "--project-dir", settings.project_dir)

    assert [stream["name"] for stream in found["streams"]] == ["customers", "orders"]
    assert not any(name.startswith("_smelt") for name in _columns(found["streams"][1]))
    assert [(one["from"], one["columns"], one["to"]) for one in found["foreign_keys"]] == [
        ("orders", ["customer_id"], "customers")
    ]
    assert table["streams"][0]["rows"] == 60


def test_a_published_table_is_read(project: Path) -> None:
    settings = load_settings(project)
    settings.local_root.mkdir(parents=True)
    catalog = SqlCatalog(
        "lake", uri=f"sqlite:///{settings.local_root}/catalog.db", warehouse=f"file://{settings.lake_root}"
    )
    catalog.create_namespace("gold")
    rows = pa.table({"day": ["2024-01-01", "2024-01-02"], "revenue": [3, 2]})
    table = catalog.create_table("gold.revenue", rows.schema)
    table.append(rows)
    listed = PublishedTable("gold.revenue", table.metadata_location, None, 2, 0, True)
    write_run(settings, PublishedRun("01TEST", datetime.now(UTC), "dev", (listed,), ()))
    point_to(settings, "01TEST")

    for place in ("gold.revenue", "revenue"):
        (stream,) = _json(place, "--project-dir", project)["streams"]
        assert stream["rows"] == 2
    assert "gold.revenue" in str(_error("gold.revenu", "--project-dir", project))


def test_a_diagram_has_streams_keys_and_references(tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("id,name\n" + "".join(f"{n},x{n}\n" for n in range(50)))
    (tmp_path / "visits.csv").write_text("id,user_id\n" + "".join(f"{n},{n % 50}\n" for n in range(200)))

    lines = _run(tmp_path, "--mermaid").stdout.splitlines()

    assert lines[0] == "erDiagram"
    assert '    users ||--o{ visits : "user_id"' in lines
    assert "        bigint id PK" in lines
    assert "        bigint user_id FK" in lines


def test_hostile_names_and_values_steer_nothing(tmp_path: Path) -> None:
    evil = '[bold red]x[/],"""; drop table t; --",\x1b[31mred,a\x1b]0;title\x07\n[link=file:///x]y[/link],2,\x9b2J,"\u202eevil"\n'
    (tmp_path / "e]vil[.csv").write_text(evil * 2)

    result = _run(tmp_path / "e]vil[.csv")
    diagram = _run(tmp_path / "e]vil[.csv", "--mermaid").stdout

    assert result.exit_code == 0, result.exception
    assert "[bold red]x[/]" in result.stdout
    assert not any(steering in result.stdout for steering in ("\x1b", "\x07", "\x9b", "\u202e"))
    assert '"' not in diagram
    assert "\x1b" not in diagram
    json.loads(_run(tmp_path / "e]vil[.csv", "--json").stdout)


def test_thousands_of_columns_are_told(tmp_path: Path) -> None:
    header = ",".join(f"c{n}" for n in range(2_000))
    (tmp_path / "wide.csv").write_text(header + "\n" + (",".join("7" for _ in range(2_000)) + "\n") * 5)

    assert len(_json(tmp_path / "wide.csv")["streams"][0]["columns"]) == 2_000
    assert "columns more" in _run(tmp_path / "wide.csv").stdout


def test_two_hundred_levels_are_told_as_far_as_they_are_spread(tmp_path: Path) -> None:
    nested: dict = {"leaf": 1}
    for _ in range(200):
        nested = {"k": nested, "n": 1}
    (tmp_path / "deep.json").write_text(json.dumps([nested, nested]))

    (stream,) = _json(tmp_path / "deep.json")["streams"]

    assert any("nested deeper" in note for note in stream["notes"])


def test_a_sample_of_a_big_file_has_its_keys_verified_on_all_rows(tmp_path: Path) -> None:
    path = tmp_path / "big.csv"
    duckdb.sql("select i as id, i % 20000 as almost, 'x' as k from range(30000) t(i)").write_csv(str(path))

    (stream,) = _json(path, "--rows", 500)["streams"]

    assert (stream["rows"], stream["sampled"]) == (30_000, 500)
    assert [key["columns"] for key in stream["keys"]] == [["id"]]
    assert "verified on 30,000 of 30,000 rows" in stream["keys"][0]["evidence"]

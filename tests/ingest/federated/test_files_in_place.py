"""Files that are read in place, in a bucket, a folder, on a web server: as a load lands them, or not at all."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from obstore.store import S3Store

from ingest.extract.globs import is_unfinished, matcher
from plugins.core import duck
from plugins.core.lake import Lake, pin_namespace
from plugins.core.settings import load_settings
from plugins.core.warehouse.in_place import lay_in_place
from plugins.discovery import read_place
from tests.ingest.federated.counting import Counting, serve_folder, serve_s3
from tests.ingest.landed import Landed
from tests.ingest.objects.servers import make_certificate, open_client

SECRET = "canary-of-the-bucket-7f3a"


@dataclass
class InPlace(Landed):
    """A source of files, in whatever place, whose stream is read in place."""

    kind: str = "files"
    put: Callable[[str, bytes], Any] = lambda _path, _text: None
    storage: str = ""

    def stream(self, glob: str, mode: str = "federated", *, key: str | None = "id", **files: Any) -> None:
        keys = [key] if key else []
        self.declare(files={"glob": glob, **files}, sync_mode=mode, primary_key=keys)
        with (self.project / "smelt.toml").open("a") as file:
            file.write(self.storage)

    def built(self) -> duckdb.DuckDBPyConnection:
        """A connection as a build has it."""
        settings = load_settings(self.project)
        con = duck.connect()
        con.execute("create schema bronze")
        lay_in_place(con, settings, pin_namespace(Lake(settings), "bronze"))
        return con

    def rows(self, query: str = "select * from bronze.s__t order by all") -> list[tuple]:
        return self.built().execute(query).fetchall()


@dataclass
class Bucket(InPlace):
    server: Counting | None = None


@pytest.fixture(scope="module")
def s3() -> Iterator[Counting]:
    server = serve_s3("lake-of-files")
    yield server
    server.stop()


@pytest.fixture
def bucket(project: Path, s3: Counting, request: pytest.FixtureRequest) -> Bucket:
    """A prefix of a bucket, and the project that reads it."""
    prefix = request.node.name.translate({ord(sign): "-" for sign in "[]"})
    store: S3Store = open_client("lake-of-files", s3.url)
    (project / "key.id").write_text("id-of-the-key")
    (project / "key.secret").write_text(SECRET)
    keys = 'access_key = "file:key.id"\nsecret_key = "file:key.secret"\n'
    return Bucket(
        project,
        connection={"type": "files", "url": f"s3://lake-of-files/{prefix}"},
        put=lambda path, text: store.put(f"{prefix}/{path}", text),
        storage=f'[connections.c.storage]\nendpoint = "{s3.url}"\n{keys}',
        server=s3,
    )


@pytest.fixture
def folder(project: Path) -> InPlace:
    def put(path: str, text: bytes) -> None:
        (project / "drop" / path).parent.mkdir(parents=True, exist_ok=True)
        (project / "drop" / path).write_bytes(text)

    return InPlace(project, connection={"type": "files", "url": "drop"}, put=put)


def _parquet(query: str, folder: Path, **options: int) -> bytes:
    file = folder / "made.parquet"
    more = "".join(f", {name} {value}" for name, value in options.items())
    duckdb.connect().execute(f"copy ({query}) to '{file}' (format parquet{more})")
    return file.read_bytes()


CSV = b'id,name,note\n1,Ada,"a, b"\n2,,""\n007,"J\nB",x\n'
NDJSON = b'{"id": 1, "paid": 2, "is_new": true, "lines": null}\n{"id": 2, "paid": 2.5, "name": "2026-01-01"}\n'


@pytest.mark.parametrize(
    ("place", "kind"),
    [
        ("bucket", "ndjson"),
        *(
            pytest.param(*pair, marks=pytest.mark.full)
            for pair in (("bucket", "csv.gz"), ("bucket", "parquet"), ("folder", "csv"), ("folder", "parquet"))
        ),
    ],
)  # fmt: skip
def test_a_view_over_files_holds_what_a_load_of_them_lands(
    place: str, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    files: InPlace = request.getfixturevalue(place)
    texts = {
        "csv": (CSV, b"id,name\n8,late\n"),
        "csv.gz": (gzip.compress(CSV), gzip.compress(b"id,extra\n8,late\n")),
        "ndjson": (NDJSON, b'{"id": 3, "extra": "x"}\n'),
        "parquet": (
            _parquet("select range as id, 'x' as s, 1.5::decimal(9, 2) as p from range(3)", tmp_path),
            _parquet("select 7 as id, 1::bigint as extra", tmp_path),
        ),
    }
    first, later = texts[kind]
    files.stream(f"**/*.{kind}")
    files.put(f"2026/a b[1].{kind}", first)
    result = files.load()
    assert (result.outcome, result.rows_loaded) == ("unchanged", 0)
    before = len(files.rows())
    files.put(f"2026/b.{kind}", later)
    assert len(files.rows()) == before + 1
    files.load()
    names = [name for (name, *_) in files.rows("describe bronze.s__t") if not name.startswith("_smelt_")]
    order = f"select {', '.join(names)}, _smelt_extra from {{}} order by all"
    in_place = files.rows(order.format("bronze.s__t"))
    places = [place for (place,) in files.rows("select _smelt_source_position from bronze.s__t")]
    assert len({*places}) == len(places)
    assert {place[:-13] for place in places} == {f"2026/a b[1].{kind}", f"2026/b.{kind}"}
    with read_place("s", project_dir=files.project) as told:
        assert [(one.rows, one.notes) for one in told.streams] == [(len(in_place), ("read in place",))]
    files.stream(f"**/*.{kind}", "incremental")
    assert files.load().rows_loaded == len(in_place)
    assert files.bronze(order.format("bronze")) == in_place


@dataclass
class _Table:
    """A Parquet object in row groups, each of other ids."""

    text: bytes
    rows: int = 200_000


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> _Table:
    query = "select range as id, md5(range::varchar) as wide, md5((-range)::varchar) as other from range(200000)"
    return _Table(_parquet(query, tmp_path_factory.mktemp("table"), row_group_size=20_000))


def _asked(server: Counting, con: duckdb.DuckDBPyConnection, query: str) -> int:
    # What was read once is kept in memory, if it hasn't changed: here each query begins anew.
    con.execute("set enable_external_file_cache = false")
    return server.asked(lambda: con.execute(query).fetchall())


def test_of_a_parquet_object_only_columns_and_row_groups_that_a_query_needs_are_fetched(
    bucket: Bucket, table: _Table
) -> None:
    assert bucket.server is not None
    bucket.stream("*.parquet")
    bucket.put("t.parquet", table.text)
    assert bucket.server.asked(bucket.load) < len(table.text) / 10, "a look reads no rows"
    con = bucket.built()
    whole = _asked(bucket.server, con, "select max(wide), max(other), max(id) from bronze.s__t")
    column = _asked(bucket.server, con, "select max(wide) from bronze.s__t")
    part = _asked(bucket.server, con, "select max(wide) from bronze.s__t where id between 70000 and 70010")
    assert whole > len(table.text) * 0.9
    assert column < whole * 0.6
    assert part < whole * 0.1
    ((_, plan),) = con.execute("explain select wide from bronze.s__t where id = 7").fetchall()
    assert "READ_PARQUET" in plan
    assert "id=7" in plan.replace(" ", "")
    assert "other" not in plan


@pytest.mark.full
def test_a_file_of_a_web_server_is_read_in_place_and_loaded_with_token_and_authority(
    project: Path, tmp_path: Path, table: _Table
) -> None:
    token = "canary-of-the-web-31c9"
    (tmp_path / "tls").mkdir()
    authority, certificate = make_certificate(tmp_path / "tls")
    (project / "ca.pem").write_bytes(authority.read_bytes())
    (project / "token").write_text(token)
    shared = tmp_path / "shared"
    (shared / "to us").mkdir(parents=True)
    server = serve_folder(shared, certificate, token)
    try:
        files = InPlace(
            project,
            connection={"type": "files", "url": f"{server.url}/to us"},
            put=lambda path, text: (shared / "to us" / path).write_bytes(text),
            storage='[connections.c.storage]\nbearer_token = "file:token"\nca_file = "ca.pem"\n',
        )
        files.put("big table.parquet", table.text)
        files.stream("big table.parquet")
        assert server.asked(files.load) < len(table.text) / 10
        con = files.built()
        part = _asked(server, con, "select max(wide) from bronze.s__t where id between 70000 and 70010")
        assert part < len(table.text) / 5
        assert token not in str(
            [con.execute(f"from {what}").fetchall() for what in ("duckdb_secrets()", "duckdb_views()")]
        )
        files.stream("big table.parquet", "incremental")
        assert files.load().rows_loaded == table.rows
        assert files.load().outcome == "unchanged"
        files.put("big table.parquet", _parquet("select 5 as id, 'w' as wide", tmp_path))
        assert files.load().rows_loaded == 1
        files.connection["url"] = server.url.replace("://", f"://me:{token}@")
        files.stream("big table.parquet")
        assert "would stand in every view" in (files.ingest().error or "")
        files.connection["url"] = f"{server.url}/to us"
        files.stream("*.parquet")
        assert "a web server lists no files" in (files.ingest().error or "")
        files.stream("gone.csv")
        assert "is not there" in (files.ingest().error or "")
        (project / "token").write_text("stolen-and-wrong")
        files.stream("big table.parquet")
        assert "access is refused" in (files.ingest().error or "")
        for path in project.rglob("*"):
            is_kept = path.is_file() and path.name != "token"
            assert not (is_kept and token.encode() in path.read_bytes()), path
    finally:
        server.stop()


@pytest.mark.full
def test_types_of_json_stay_until_a_look_and_a_value_that_does_not_fit_is_no_null(bucket: Bucket) -> None:
    assert bucket.server is not None
    bucket.stream("*.ndjson")
    bucket.put("a.ndjson", b'{"id": 1, "qty": 2}\n')
    assert bucket.load().schema_version == 1
    assert bucket.server.asked(bucket.load) < 2_000, "what nobody changed is listed, and not read again"
    bucket.put("b.ndjson", b'{"id": 2, "qty": 2.5, "more": 1}\n')
    with pytest.raises(
        duckdb.Error, match=r"a value of qty is no bigint.*run smelt ingest s\.t: s3://.*b\.ndjson"
    ):
        bucket.rows("select sum(qty) from bronze.s__t")
    assert bucket.rows("select max(id) from bronze.s__t") == [(2,)], "who doesn't read it has no trouble"
    assert "+more" in (bucket.load().schema_change or "")
    assert bucket.rows("select sum(qty__v2), max(more), max(qty) from bronze.s__t") == [(4.5, 1, None)]
    bucket.put("c.ndjson", b"[1]\n")
    assert "a line is no JSON object" in (bucket.ingest().error or "")


@pytest.mark.full
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_names_of_strangers_are_only_names(folder: InPlace, kind: str) -> None:
    name = "a \"b\" 'c' {{ d }} -- e; drop"
    quoted = name.replace('"', '""')
    texts = {"csv": f'id,"{quoted}"\n1,2\n', "ndjson": json.dumps({"id": "1", name: "2"}) + "\n"}
    folder.put(f'it\'s {{{{ x }}}} "y".{kind}', texts[kind].encode())
    folder.stream(f"*.{kind}")
    folder.load()
    assert folder.rows(f'select id, "{quoted}" from bronze.s__t') == [("1", "2")]
    folder.stream(f"*.{kind}", "incremental")
    assert folder.load().rows_loaded == 1


@pytest.mark.full
def test_what_does_not_fit_a_csv_is_told_and_never_passed_over(bucket: Bucket) -> None:
    bucket.stream("*.csv")
    bucket.put("a.csv", b"id,name\n1,x\n")
    bucket.put("empty.csv", b"")
    bucket.put(".hidden.csv", b"other\n1\n")
    bucket.put("b.csv.part", b"id\n")
    bucket.load()
    assert bucket.rows("select id, name from bronze.s__t") == [("1", "x")]
    bucket.put("b.csv", b"id,more\n2,y\n")
    assert bucket.rows("select id, name from bronze.s__t order by id") == [("1", "x"), ("2", None)]
    assert bucket.load().schema_change == "+more"
    bucket.put("c.csv", b"id,name\n1\n1,2,3\n")
    with pytest.raises(duckdb.Error, match="read in place, and its source has changed: Invalid Input Error"):
        bucket.rows("select count(name) from bronze.s__t")
    assert "c.csv is no CSV that can be read in place" in (bucket.ingest().error or "")


@pytest.mark.full
@pytest.mark.parametrize(
    ("glob", "more", "told"),
    [
        ("*", {"format": "csv"}, "may stand for files that are half-written"),
        ("*.part", {"format": "csv"}, "may stand for files that are half-written"),
        ("*.xml", {}, "only Parquet, CSV and NDJSON"),
        ("*.csv", {}, "no file with content matches"),
        ("a.txt", {"format": "csv", "settle": "PT1M"}, "`settle` are not read in place"),
        ("a.txt", {"format": "csv", "columns": ["id", "gone"]}, "no file has a column gone"),
    ],
)
def test_what_cannot_be_read_in_place_is_refused_with_the_way_out(
    folder: InPlace, glob: str, more: dict[str, Any], told: str
) -> None:
    folder.put("a.txt", b"id\n1\n")
    folder.stream(glob, **more)
    assert told in (folder.ingest().error or "")


@pytest.mark.full
@pytest.mark.parametrize("place", ["bucket", "folder"])
def test_a_glob_stands_for_the_files_that_a_load_takes(place: str, request: pytest.FixtureRequest) -> None:
    files: InPlace = request.getfixturevalue(place)
    names = ("a.csv", "b1.csv", "b12.csv", ".h.csv", "x/c.csv", "x/y/d.csv", "x/.e.csv", "t[1]/f.csv", "a.csv.tmp")
    for name in names:
        files.put(name, b"id\n1\n")
    for glob in ("b?.csv", "b[!2]*.csv", "**/*.csv", "x/*/?.csv", "*/f.csv"):
        files.stream(glob, key=None)
        files.load()
        taken = {position[:-13] for (position,) in files.rows("select _smelt_source_position from bronze.s__t")}
        assert taken == {name for name in names if matcher(glob).match(name) and not is_unfinished(name)}, glob


@pytest.mark.full
def test_a_bucket_that_cannot_be_reached_is_told_when_it_is_read(bucket: Bucket) -> None:
    bucket.stream("*.csv")
    bucket.put("a.csv", CSV)
    bucket.load()
    bucket.storage = bucket.storage.replace("127.0.0.1:", "127.0.0.1:1")[:-1]
    bucket.stream("*.csv")
    with pytest.raises(duckdb.Error, match="read in place, and its source cannot be") as caught:
        bucket.rows()
    assert SECRET not in str(caught.value)

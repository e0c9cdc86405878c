"""Which files are read: the new and the replaced ones, each once."""

from __future__ import annotations

import time

from ingest.extract.base import PullRequest
from ingest.extract.files import FilesExtractor
from ingest.spec import load_sources
from plugins.core import duck
from plugins.core.settings import load_settings

ROWS = "select id, v, _smelt_op from bronze order by _smelt_batch_id, _smelt_source_position"


def test_a_second_load_of_the_same_files_reads_and_commits_nothing(drop) -> None:
    drop.put("a.csv", "id,v\n1,a\n2,b\n")
    first = drop.load()
    assert (first.outcome, first.rows_loaded) == ("loaded", 2)
    before = drop.metadata()
    again = drop.load()
    assert (again.outcome, again.rows_read, again.rows_loaded) == ("unchanged", 0, 0)
    assert drop.metadata() == before


def test_a_new_file_is_read_alone(drop) -> None:
    drop.put("a.csv", "id,v\n1,a\n2,b\n")
    drop.load()
    drop.put("b.csv", "id,v\n3,c\n")
    result = drop.load()
    assert (result.rows_read, result.rows_loaded) == (1, 1)
    assert drop.bronze("select id, v from bronze order by id") == [("1", "a"), ("2", "b"), ("3", "c")]


def test_a_replaced_file_speaks_for_its_own_rows_only(drop) -> None:
    drop.put("a.csv", "id,v\n1,a\n2,b\n3,c\n")
    drop.put("b.csv", "id,v\n9,z\n")
    drop.load()
    drop.put("a.csv", "id,v\n1,changed\n3,c\n4,new\n")
    result = drop.load()
    assert (result.rows_loaded, result.tombstones) == (2, 1)
    assert sorted(drop.bronze(ROWS)[4:], key=str) == [("1", "changed", "u"), ("2", None, "d"), ("4", "new", "c")]
    assert drop.load().outcome == "unchanged"


def test_a_deleted_file_says_nothing_about_its_rows(drop) -> None:
    path = drop.put("a.csv", "id,v\n1,a\n")
    drop.load()
    path.unlink()
    assert drop.load().outcome == "unchanged"
    assert drop.bronze("select count(*) from bronze") == [(1,)]


def test_a_touched_file_is_read_again_and_adds_nothing(drop) -> None:
    path = drop.put("a.csv", "id,v\n1,a\n")
    drop.load()
    time.sleep(0.01)
    path.touch()
    result = drop.load()
    assert (result.outcome, result.rows_read, result.rows_loaded) == ("unchanged", 1, 0)


def test_half_written_files_and_other_names_are_left_alone(drop) -> None:
    drop.put("a.csv", "id,v\n1,a\n")
    drop.put(".b.csv", "id,v\n2,")
    drop.put("readme.txt", "hello")
    assert drop.load().rows_read == 1


def test_the_glob_reaches_into_folders(drop) -> None:
    drop.stream("**/*.csv")
    drop.put("2020/01/a.csv", "id,v\n1,a\n")
    drop.put("2020/02/a.csv", "id,v\n2,b\n")
    drop.load()
    assert drop.bronze("select split_part(_smelt_source_position, ':', 1), v from bronze order by 1") == [
        ("2020/01/a.csv", "a"),
        ("2020/02/a.csv", "b"),
    ]


def test_an_empty_folder_makes_the_declared_table(drop) -> None:
    drop.stream(columns=["id", "v"])
    assert drop.load().rows_loaded == 0
    assert drop.bronze("select id, v from bronze") == []


def test_a_missing_folder_is_one_clear_message(drop) -> None:
    drop.folder.rmdir()
    failed = drop.ingest()
    assert "does not exist" in failed.error
    assert "connections.c.url" in failed.hint
    code, printed = drop.command("ingest")
    assert code == 1
    assert "does not exist" in printed
    assert "Traceback" not in printed


def test_a_thousand_small_files_load_in_one_go(drop) -> None:
    for number in range(1000):
        drop.put(f"{number:04d}.csv", f"id,v\n{number},a\n{number + 1000},b\n")
    assert drop.load().rows_loaded == 2000
    assert drop.bronze("select count(distinct id) from bronze") == [(2000,)]
    assert drop.load().outcome == "unchanged"


def test_a_file_that_changes_while_it_is_read_is_left_for_the_next_run(drop, tmp_path) -> None:
    growing = drop.put("a.csv", "id,v\n1,a\n")
    drop.put("b.csv", "id,v\n2,b\n")

    def on_progress(_rows: int) -> None:
        with growing.open("a") as file:
            file.write("3,c\n")

    settings = load_settings(drop.project)
    (source,) = load_sources(drop.project)
    con, workdir = duck.connect(), tmp_path / "work"
    workdir.mkdir()
    request = PullRequest(settings, source, source.streams[0], {}, con, workdir, on_progress)
    pull = FilesExtractor().pull(request)
    assert con.sql(f"select id, v from ({pull.relation})").fetchall() == [("2", "b")]
    assert list(pull.advance["files"]) == ["b.csv"]
    assert pull.notes == ["changed while being read, left for the next run: a.csv"]
    assert drop.load().rows_loaded == 3


def test_a_replaced_file_that_is_empty_now_takes_its_rows_away(drop) -> None:
    drop.put("a.csv", "id,v\n1,a\n2,b\n")
    drop.load()
    drop.put("a.csv", "")
    assert drop.load().tombstones == 2
    assert drop.load().outcome == "unchanged"


def test_files_that_no_stream_takes_are_named_once(drop) -> None:
    drop.stream("bookings.csv")
    drop.put("bookings.csv", "id,v\n1,a\n")
    drop.put("readme.txt", "hello")
    drop.put(".half.csv", "id,v\n2,")
    assert drop.load().notes == ()
    for name in ("bookings_2025.csv", "more/a.parquet", "b.ndjson", "c.csv"):
        drop.put(name, "id,v\n3,c\n")
    (note,) = drop.load().notes
    assert "match no stream of s" in note
    assert "b.ndjson, bookings_2025.csv, c.csv, … (4)" in note
    code, printed = drop.command("ingest")
    assert code == 0
    assert printed.count("match no stream") == 1

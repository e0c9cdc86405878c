"""A generator in the project's folder is a source."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

from tests.ingest.worker import start

VALUES = """
import dlt
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

@dlt.resource
def t(rows=1):
    yield {
        "id": 1, "price": Decimal("12345678901234567890.123456789"), "at": datetime(2020, 1, 2, 3, 4, 5, 678901),
        "zoned": datetime(2020, 1, 2, tzinfo=UTC), "day": date(2020, 1, 2), "uuid": UUID(int=7),
        "nested": {"b": [1, "é"]}, "mixed": 1, "raw": b"\\x00\\xff", "select": "ok", "with space": None,
    }
    yield [{"id": 2, "mixed": "two"}, {"id": 3, "mixed": 3.5, "late": True}]
"""


def test_values_land_exactly(feed) -> None:
    feed.stream(f"{feed.module(VALUES)}:t", {"rows": 3})
    assert feed.load().rows_loaded == 3
    ((price, at, zoned, day, uuid, nested, raw, select),) = feed.bronze(
        'select price, "at", zoned at time zone \'UTC\', day, uuid, nested, raw, "select" from bronze where id = 1'
    )
    assert price == Decimal("12345678901234567890.123456789")
    assert (at, zoned) == (datetime(2020, 1, 2, 3, 4, 5, 678901), datetime(2020, 1, 2))
    assert (day, uuid) == (date(2020, 1, 2), "00000000-0000-0000-0000-000000000007")
    assert json.loads(nested) == {"b": [1, "é"]}
    assert (raw, select) == (b"\x00\xff", "ok")
    assert feed.bronze("select mixed, late from bronze order by id") == [("1", None), ("two", None), ("3.5", True)]
    assert feed.load().outcome == "unchanged"


def test_a_column_whose_type_changes_between_chunks(feed) -> None:
    module = feed.module(
        "def t():\n    for i in range(45_000):\n        yield {'id': i, 'v': i if i < 30_000 else str(i)}\n"
    )
    feed.stream(f"{module}:t")
    assert feed.load().rows_loaded == 45_000
    assert feed.bronze("select count(distinct id), count(*) filter (where v <> id::varchar) from bronze") == [
        (45_000, 0)
    ]
    assert feed.load().outcome == "unchanged"


def test_an_incremental_resource_is_asked_from_its_last_value(feed) -> None:
    module = feed.module(
        "import dlt\n\n@dlt.resource\n"
        "def t(incremental=dlt.sources.incremental('id', initial_value=0)):\n"
        "    start = incremental.last_value or 0\n"
        "    yield from ({'id': i} for i in range(start, start + 5))\n"
    )
    feed.stream(f"{module}:t", sync_mode="incremental", cursor={"column": "id"})
    assert feed.load().rows_loaded == 5
    result = feed.load()
    assert result.rows_loaded == 4
    assert feed.bronze("select max(id), count(*) from bronze") == [(8, 9)]


def test_a_resource_that_yields_nothing(feed) -> None:
    feed.stream(f"{feed.module('def t():' + chr(10) + '    yield from ()')}:t")
    assert feed.load().rows_loaded == 0
    assert feed.load().outcome == "unchanged"


def test_a_failing_resource_is_one_clear_message(feed) -> None:
    module = feed.module("def t():\n    yield {'id': 1}\n    raise ValueError('no more\\nof that')\n")
    feed.stream(f"{module}:t")
    failed = feed.ingest()
    assert failed.error == "s.t: the dlt source failed: no more of that"
    assert "source.yml" in failed.hint
    code, printed = feed.command("ingest")
    assert (code, "Traceback" in printed) == (1, False)
    assert "no more of that" in printed


def test_a_resource_that_yields_no_records(feed) -> None:
    feed.stream(f"{feed.module('def t():' + chr(10) + '    yield 7')}:t")
    failed = feed.ingest()
    assert "s.t" in failed.error
    assert failed.outcome == "failed"


def test_wrong_names_and_arguments(feed) -> None:
    module = feed.module("def t(n):\n    yield {'id': n}\n")
    for source, arguments, said in [
        ("no_such_module:t", {}, "cannot be imported"),
        (f"{module}:nothing", {}, "cannot be imported"),
        (f"{module}:t", {"m": 1}, "unexpected keyword argument 'm'"),
        (f"{module}:t", {}, "missing 1 required positional argument"),
    ]:
        feed.stream(source, arguments)
        failed = feed.ingest()
        assert said in failed.error
        assert "\n" not in failed.error


def test_a_module_with_a_mistake_in_it(feed) -> None:
    feed.stream(f"{feed.module('def t(:')}:t")
    assert "cannot be imported" in feed.ingest().error


def test_streams_that_import_dlt_at_once(feed) -> None:
    (feed.project / "notes.py").write_text("import dlt\n\n@dlt.resource\ndef t():\n    yield {'id': 1}\n")
    feed.stream("notes:t")
    for name in ("s2", "s3", "s4"):
        folder = feed.project / "sources" / name
        folder.mkdir()
        (folder / "source.yml").write_text((feed.project / "sources" / "s" / "source.yml").read_text())
    # In a process of its own: here, dlt has long been imported.
    process = start(feed.project)
    process.join()
    assert process.exitcode == 0

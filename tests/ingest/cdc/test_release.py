"""Slot and publication are dropped on request only, when nobody reads them, and after what is lost was told."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ingest.cdc.feed import CdcFeed
from ingest.command import register
from ingest.connections import ConnectionPool
from ingest.load import Job
from ingest.spec import load_sources
from plugins.core.lake import Lake
from plugins.core.ledger import Ledger, open_run
from plugins.core.settings import load_settings


@pytest.fixture
def captured(shop, monkeypatch: pytest.MonkeyPatch):
    shop.sql("create table t (id int primary key)", "insert into t values (1)")
    shop.declare(t="[id]")
    shop.load()
    monkeypatch.chdir(shop.project)
    return shop


def _release(*arguments: str, answer: str = "") -> Result:
    app = typer.Typer()
    register(app)
    return CliRunner().invoke(app, ["release", "shop", *arguments], input=answer)


def _kept(shop) -> list[tuple]:
    return shop.rows(
        f"select (select count(*) from pg_replication_slots where slot_name = '{shop.slot}'), "
        f"(select count(*) from pg_publication where pubname = '{shop.slot}')"
    )


def test_it_asks_and_drops_both(captured) -> None:
    refused = _release(answer="n\n")
    assert refused.exit_code == 1
    assert "lost" in refused.output
    assert f"publication {captured.slot} of {captured.schema}.t" in refused.output
    assert _kept(captured) == [(1, 1)]
    assert _release("--yes").exit_code == 0
    assert _kept(captured) == [(0, 0)]
    assert "nothing to release" in _release("--yes").output
    assert captured.events("id") == [("r", 1)]


def test_not_while_it_is_read(captured, project: Path) -> None:
    settings = load_settings(project)
    (source,) = load_sources(project)
    with open_run(Ledger(settings), "ingest") as run:
        feed = CdcFeed([Job(Lake(settings), run, ConnectionPool(settings), source, source.streams[0])])
        feed.take(1.0)
        result = _release("--yes")
        feed.close()
    assert result.exit_code != 0
    assert "is being read" in str(result.exception or result.output)
    assert _kept(captured) == [(1, 1)]

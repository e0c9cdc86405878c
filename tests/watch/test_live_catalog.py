"""Between two builds, readers of an entity see bronze as it is: what a build would make of it, row by row."""

from __future__ import annotations

import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from bench.followed_project import new_project, published
from plugins.build import build
from plugins.core.lake import Batch, Lake, commit_batch, ensure_columns, pin_namespace, read_state
from plugins.core.lake.catalog import data_folder
from plugins.core.ledger import Hold, Ledger, hold, new_id, open_run, release
from plugins.core.settings import Settings
from plugins.core.warehouse.published import current_run, published_file, published_runs
from plugins.live import LiveCatalog

TABLE = "bronze.shop__orders"
SCHEMA = pa.schema(
    [
        ("id", pa.int64()), ("customer", pa.string()), ("amount", pa.int64()), ("_smelt_batch_id", pa.string()),
        ("_smelt_loaded_at", pa.timestamp("us", tz="UTC")), ("_smelt_source_position", pa.string()),
        ("_smelt_op", pa.string()),
    ]
)  # fmt: skip
STATE = "select order_id, customer, amount, twice, _smelt_source_position from silver.orders order by all"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = new_project(tmp_path_factory.mktemp("live"))
    append(made, [(key, "a", key, "c") for key in range(10)])
    assert build(made).published
    return made


def append(settings: Settings, rows: list[tuple[int, str | None, int | None, str]]) -> None:
    """One bronze commit: (id, customer, amount, operation)."""
    lake, batch = Lake(settings), new_id()
    ensure_columns(lake, TABLE, SCHEMA)
    file = f"{data_folder(lake.table(TABLE))}/{batch}.parquet"
    values = ", ".join(
        f"({key}, {_sql(customer)}, {_sql(amount)}, '{n:06}', '{op}')"
        for n, (key, customer, amount, op) in enumerate(rows)
    )
    duckdb.sql(
        f"copy (select id::bigint as id, customer::varchar as customer, amount::bigint as amount, "
        f"'{batch}' as _smelt_batch_id, now() as _smelt_loaded_at, place as _smelt_source_position, "
        f"op as _smelt_op from (values {values}) as rows(id, customer, amount, place, op)) to '{file}'"
    )
    commit_batch(lake, TABLE, Batch(batch, [file], read_state(lake.table(TABLE)).batch_id))


def _sql(value: object) -> str:
    return "null" if value is None else repr(value)


def test_entities_show_what_a_build_would_make_of_newer_rows(settings: Settings) -> None:
    chance = random.Random(11)
    live = LiveCatalog(settings)
    try:
        for _ in range(6):
            rows = []
            for _ in range(chance.randrange(1, 30)):
                key, op = chance.randrange(25), chance.choice("ccuuud")
                # An invalid newest version must not take the place of the last valid one.
                amount = None if op == "d" or chance.random() < 0.2 else chance.randrange(100)
                rows.append((key, None if op == "d" else chance.choice("ab"), amount, op))
            append(settings, rows)
            refreshed = live.refresh()
            assert refreshed is not None
            assert not refreshed.left
        seen = published(settings, STATE)
        run = current_run(settings)
        assert published_file(settings).parent.name == "live"
    finally:
        live.close()
    assert build(settings).published
    assert published(settings, STATE) == seen
    assert current_run(settings) != run


def test_nothing_new_leaves_readers_where_they_are(settings: Settings) -> None:
    live = LiveCatalog(settings)
    before = published_file(settings)
    assert live.refresh() is None
    assert published_file(settings) == before
    live.close()


def test_a_build_that_follows_publishes_with_what_came_meanwhile(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from plugins.build import pipeline

    pinned = pipeline._pin

    def pin_and_append(*arguments: object) -> object:
        pins = pinned(*arguments)
        append(settings, [(900, "late", 9, "c")])
        return pins

    append(settings, [(901, "early", 9, "c")])
    monkeypatch.setattr(pipeline, "_pin", pin_and_append)
    result = build(settings, is_followed=True)
    assert result.published
    assert published(settings, "select order_id from silver.orders where order_id >= 900 order by 1") == [
        (900,),
        (901,),
    ]
    # Models that were built stand where the build's pins are; the next build brings them on.
    assert published(settings, "select customer from gold.agg_customers where customer in ('late', 'early')") == [
        ("early",)
    ]


def test_a_build_that_follows_does_only_what_newer_rows_reach(settings: Settings) -> None:
    assert build(settings, is_followed=True).published
    again = build(settings, is_followed=True)
    assert sum(len(built.nodes) for built in again.layers.values()) == 0
    runs = published_runs(settings)
    assert [table.dataset for table in runs[-1].tables] == ["gold.agg_customers", "silver.orders"]
    assert published(settings, "select sum(orders) from gold.agg_customers") == published(
        settings, "select count(*) from silver.orders"
    )
    append(settings, [(902, "new", 1, "c")])
    more = build(settings, is_followed=True)
    assert {node.unique_id for built in more.layers.values() for node in built.nodes} >= {
        "model.small.agg_customers"
    }
    assert published(settings, "select orders from gold.agg_customers where customer = 'new'") == [(1,)]


def test_a_held_stream_stays_as_it_was_and_builds_that_follow_go_on(settings: Settings) -> None:
    assert build(settings).published
    seen = published(settings, STATE)
    (pin,) = pin_namespace(Lake(settings), "bronze", names=["shop__orders"])
    changes = ({"kind": "column_renamed", "before": ["amount"], "after": ["gbp"], "severity": "breaking"},)
    held = Hold("shop", "orders", pin, True, None, "f", changes)
    with open_run(Ledger(settings), "drift") as run:
        hold(run, held)
    append(settings, [(904, "held", 1, "c")])
    for _ in range(2):
        assert build(settings, is_followed=True).published
        assert published(settings, STATE) == seen
    with open_run(Ledger(settings), "drift") as run:
        release(run, held, reason="merged")
    assert build(settings, is_followed=True).published
    assert published(settings, "select orders from gold.agg_customers where customer = 'held'") == [(1,)]


def test_a_column_that_models_cannot_read_leaves_the_entity_as_it_was_built(settings: Settings) -> None:
    path = Path(settings.project_dir) / "models/silver/stg_shop__orders.sql"
    text = path.read_text()
    path.write_text(text.replace("cast(amount as integer)", "cast(_smelt_extra_amount as integer)"))
    manifest = next(iter(sorted((settings.published_dir / "runs").glob("*/manifest.json"), reverse=True)))
    kept = manifest.read_text()
    manifest.write_text(kept.replace("cast(amount as integer)", "cast(_smelt_extra_amount as integer)"))
    append(settings, [(903, "x", 1, "c")])
    live = LiveCatalog(settings)
    try:
        refreshed = live.refresh()
        assert refreshed is not None
        assert list(refreshed.left) == ["silver.orders"]
        assert published(settings, "select count(*) from silver.orders where order_id = 903") == [(0,)]
    finally:
        live.close()
        manifest.write_text(kept)
        path.write_text(text)

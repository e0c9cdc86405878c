"""A drift that the source took back: whether rows came meanwhile that only the patched models would read right."""

from __future__ import annotations

from plugins.core import duck
from plugins.core.duck import literal, quote
from plugins.core.lake import Lake, Pin, bronze_columns, scan_sql
from plugins.core.ledger import Hold


def rows_left_behind(lake: Lake, held: Hold, key: tuple[str, ...]) -> int:
    """Rows since the hold whose values stand in columns of the drift alone, and not in those of before.

    key: the stream's primary key, to tell which row is the newest of several; empty: every row counts.
    """
    table = lake.find(f"bronze.{held.table}")
    snapshot = table.current_snapshot() if table else None
    if table is None or snapshot is None:
        return 0
    columns = {name.lower(): name for name in bronze_columns(table)}
    tests = [test for change in held.changes if (test := _only_after(change, columns))]
    if not tests:
        return 0
    newest = scan_sql(Pin("bronze", held.table, table.metadata_location, snapshot.snapshot_id))
    with duck.connect() as con:
        since = _last_batch(con, held.pin)
        by_key = ", ".join(quote(columns[name.lower()]) for name in key if name.lower() in columns)
        latest = f"qualify rank() over (partition by {by_key} order by _smelt_batch_id desc) = 1" if by_key else ""
        where = f"_smelt_batch_id > {literal(since)} and _smelt_op <> 'd' and ({' or '.join(tests)})"
        query = f"select count(*) from (select * from {newest} {latest}) where {where}"
        return con.execute(query).fetchall()[0][0]


def _only_after(change: object, columns: dict[str, str]) -> str | None:
    """SQL that is true of rows that fill columns of after, and none of those that went; None: none went."""
    sides = change if isinstance(change, dict) else {}
    before, after = ([name.lower() for name in sides.get(side) or ()] for side in ("before", "after"))
    old = [columns[name] for name in before if name not in after and name in columns]
    new = [columns[name] for name in after if name not in before and name in columns]
    if not old and sides.get("kind") in ("type_changed", "type_narrowed", "type_widened"):
        old = [columns[name] for name in before if name in columns]
        new = [one for low, one in columns.items() if any(low.startswith(f"{name}__v") for name in before)]
    if not old or not new:
        return None
    fills = " or ".join(f"{quote(name)} is not null" for name in new)
    lacks = " and ".join(f"{quote(name)} is null" for name in old)
    return f"(({fills}) and {lacks})"


def _last_batch(con: duck.duckdb.DuckDBPyConnection, pin: Pin | None) -> str:
    if pin is None or pin.snapshot_id is None:
        return ""
    found = con.execute(f"select max(_smelt_batch_id) from {scan_sql(pin)}").fetchall()[0][0]
    return found or ""

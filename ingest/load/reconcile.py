"""What of a pull is new: rows equal to the newest bronze version of their key are dropped.

A key's current state is the set of its rows in the newest batch that has the key, so that a source whose
"primary key" repeats is compared as a whole, and an unchanged one appends nothing. Comparison is null-safe
and covers every column of the pull. Streams without a key are compared by content, with multiplicity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from ingest.load.landing import Landed
from plugins.core.duck import literal, quote


@dataclass(frozen=True)
class Difference:
    """Counts, and the SELECT (bronze columns, position, extra, op) of what must be appended."""

    rows: int
    tombstones: int
    sql: str


def expose(
    con: duckdb.DuckDBPyConnection,
    staged: str,
    bronze: str,
    columns: Sequence[Landed],
    bronze_names: Sequence[str],
) -> None:
    """Name the staged pull `smelt_pulled` and the table's rows `smelt_bronze`, in the same columns."""
    con.execute(f"create temp view smelt_pulled as select * from {staged}")
    # A column added after the snapshot isn't in its scan yet: every row there has null.
    there = {name.lower() for name in con.sql(f"select * from {bronze}").columns}
    wanted = [(c.name, c.type) for c in columns]
    others = [(n, "varchar") for n in bronze_names if n not in {c.name for c in columns}]
    parts = [
        quote(name) if name.lower() in there else f"null::{kind} as {quote(name)}"
        for name, kind in [*wanted, *others]
    ]
    con.execute(f"create temp view smelt_bronze as select {', '.join(parts)} from {bronze}")


def newest_sql(rows: str, keys: Sequence[str]) -> str:
    """SELECT of the newest of `rows` (a table expression of bronze rows) for each key, tombstones among them."""
    key_list = ", ".join(quote(k) for k in keys)
    return (
        f"select * from {rows} qualify row_number() over (partition by {key_list} "
        "order by _smelt_batch_id desc, _smelt_source_position desc) = 1"
    )


def difference(
    con: duckdb.DuckDBPyConnection, columns: Sequence[Landed], keys: Sequence[str], scope: str
) -> Difference:
    """Compare `smelt_pulled` with `smelt_bronze`. `keys`: bronze names, empty if there is no primary key."""
    compared = [*(c.name for c in columns), "_smelt_extra"]
    if keys:
        _compare_by_key(con, compared, keys, scope)
    else:
        _compare_by_content(con, columns, scope)
    rows = _count(con, "smelt_landing")
    tombstones = _count(con, "smelt_gone") if keys else 0
    return Difference(rows, tombstones, _append_sql(columns, keys))


def _compare_by_key(con: duckdb.DuckDBPyConnection, compared: list[str], keys: Sequence[str], scope: str) -> None:
    key_list = ", ".join(quote(k) for k in keys)
    only_pulled = f"semi join smelt_pulled as p on {_same('b', 'p', keys)}" if scope == "false" else ""
    con.execute(
        f"create temp table smelt_heads as select {_of('b', keys)}, max(b._smelt_batch_id) as head "
        f"from smelt_bronze as b {only_pulled} group by all"
    )
    con.execute(
        "create temp view smelt_current as select b.* from smelt_bronze as b join smelt_heads as h "
        f"on {_same('b', 'h', keys)} and b._smelt_batch_id = h.head where b._smelt_op <> 'd'"
    )
    con.execute(
        "create temp table smelt_repeated as "
        f"select {key_list} from smelt_pulled group by all having count(*) > 1 "
        f"union select {key_list} from smelt_current group by all having count(*) > 1"
    )
    repeats = _count(con, "smelt_repeated")
    single = f"anti join smelt_repeated as r on {_same('p', 'r', keys)}" if repeats else ""
    differs = " or ".join(f"p.{quote(c)} is distinct from b.{quote(c)}" for c in compared)
    con.execute(
        "create temp table smelt_landing as select p._smelt_source_position, "
        "case when b._smelt_batch_id is null then 'c' else 'u' end as _smelt_op "
        f"from (select * from smelt_pulled as p {single}) as p "
        f"left join smelt_current as b on {_same('p', 'b', keys)} "
        f"where b._smelt_batch_id is null or {differs}"
    )
    if repeats:
        _compare_repeated(con, compared, keys, scope)
    con.execute(
        f"create temp table smelt_gone as select distinct {_of('b', keys)} from smelt_current as b "
        f"anti join smelt_pulled as p on {_same('b', 'p', keys)} where {scope}"
    )


def _compare_repeated(
    con: duckdb.DuckDBPyConnection, compared: list[str], keys: Sequence[str], scope: str
) -> None:
    """Keys with several rows: a whole pull replaces a group that differs; an increment adds rows not yet there."""
    values = ", ".join(quote(c) for c in compared)
    group = f"semi join smelt_repeated as r on {_same('x', 'r', keys)}"
    op = f"case when exists (select 1 from smelt_heads as h where {_same('x', 'h', keys)}) then 'u' else 'c' end"
    con.execute(f"create temp view smelt_pulled_groups as select * from smelt_pulled as x {group}")
    if scope == "false":
        known = f"(select * from smelt_bronze as x {group})"
        unknown = _unmatched_sql("smelt_pulled_groups", known, compared)
        con.execute(
            f"insert into smelt_landing select x._smelt_source_position, {op} from smelt_pulled_groups as x "
            f"semi join ({unknown}) as n on x._smelt_source_position = n._smelt_source_position"
        )
        return
    ours, theirs = f"select {values} from smelt_pulled_groups", f"select {values} from smelt_current as x {group}"
    changed = f"((({ours}) except all ({theirs})) union all (({theirs}) except all ({ours})))"
    con.execute(
        f"insert into smelt_landing select x._smelt_source_position, {op} from smelt_pulled_groups as x "
        f"semi join {changed} as c on {_same('x', 'c', keys)}"
    )


def _compare_by_content(con: duckdb.DuckDBPyConnection, columns: Sequence[Landed], scope: str) -> None:
    # A re-read file is compared with that file's rows only: another file may hold the same content.
    known = "smelt_bronze" if scope == "false" else f"(select * from smelt_bronze where {scope})"
    pulled = "smelt_pulled"
    if _count(con, "(select 1 from smelt_bronze where _smelt_extra is not null limit 1)"):
        pulled, known = (f"({_unpacked_sql(rows, columns)})" for rows in (pulled, known))
    unknown = _unmatched_sql(pulled, known, [*(c.name for c in columns), "_smelt_extra"])
    con.execute(f"create temp table smelt_landing as select *, 'c' as _smelt_op from ({unknown})")


def _unpacked_sql(rows: str, columns: Sequence[Landed]) -> str:
    """`rows` with the values in `_smelt_extra` that a column has room for in that column, and not in there.

    The same row may have come before its column was there, with the value in `_smelt_extra`, and after.
    """
    extra = "_smelt_extra::json"
    paths = {c.name: literal('$."' + c.source.replace('"', '\\"') + '"') for c in columns}
    values = [
        f"coalesce({quote(c.name)}, try_cast(json_extract_string({extra}, {paths[c.name]}) as {c.type})) "
        f"as {quote(c.name)}"
        for c in columns
    ]
    taken = [
        f"case when try_cast(json_extract_string({extra}, {paths[c.name]}) as {c.type}) is not null "
        f"then json_object({literal(c.source)}, null) else '{{}}'::json end"
        for c in columns
    ]
    left = f"json_merge_patch({extra}, {', '.join(taken)})" if taken else extra
    rest = f"nullif((case when _smelt_extra is not null then {left} end)::varchar, '{{}}') as _smelt_extra"
    return f"select * replace ({', '.join([*values, rest])}) from {rows}"


def _unmatched_sql(pulled: str, known: str, compared: Sequence[str]) -> str:
    """Positions of rows of `pulled` beyond as many equal rows as `known` has."""
    values = ", ".join(quote(c) for c in compared)
    return (
        f"select n._smelt_source_position from (select *, row_number() over (partition by {values} "
        f"order by _smelt_source_position) as nth from {pulled}) as n "
        f"left join (select {values}, count(*) as times from {known} group by all) as k "
        f"on {_same('n', 'k', compared)} where n.nth > coalesce(k.times, 0)"
    )


def _append_sql(columns: Sequence[Landed], keys: Sequence[str]) -> str:
    names = [quote(c.name) for c in columns]
    pulled = (
        f"select {', '.join(f'p.{n}' for n in names)}, p._smelt_source_position, p._smelt_extra, l._smelt_op "
        "from smelt_pulled as p join smelt_landing as l on p._smelt_source_position = l._smelt_source_position"
    )
    if not keys:
        return pulled
    gone = ", ".join(
        f"g.{quote(c.name)}" if c.name in keys else f"null::{c.type} as {quote(c.name)}" for c in columns
    )
    return (
        f"{pulled} union all select {gone}, '~' || lpad((row_number() over ())::varchar, 17, '0'), "
        "null::varchar, 'd' from smelt_gone as g"
    )


def _same(left: str, right: str, names: Sequence[str]) -> str:
    return " and ".join(f"{left}.{quote(n)} is not distinct from {right}.{quote(n)}" for n in names)


def _of(alias: str, names: Sequence[str]) -> str:
    return ", ".join(f"{alias}.{quote(n)}" for n in names)


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    found = con.execute(f"select count(*) from {table}").fetchone()
    return found[0] if found else 0

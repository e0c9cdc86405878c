"""Values that a change event left out because they did not change: read from the row's version before."""

from __future__ import annotations

from collections.abc import Sequence

from plugins.core.duck import literal, quote

_PLACE = "_smelt_batch_id || _smelt_source_position as place"


def carried_sql(scan: str, key: Sequence[str], unsent: Sequence[str]) -> str:
    """SELECT of the rows of `scan`, in which events that left out values of columns `unsent` have them.

    The value is that of the newest version before with the same key that has one. An event that gave its row
    another key, which follows the deletion of the old one, begins a new row: there the value is the old key's.

    Only keys with such events are looked at, since a table's other rows may be many.
    """
    ctes = [f"marked as (select *, {_PLACE} from {scan} where _smelt_unchanged is not null)"]
    ctes += _moved(scan, key)
    values, joins = [], []
    for n, column in enumerate(unsent):
        ctes += _versions(scan, key, n, column)
        name = quote(column)
        values.append(
            f"case when {_is_unsent(column, 'marked')} then version{n}.{name} else marked.{name} end as {name}"
        )
        same = _same(key, "marked", f"version{n}")
        joins.append(f"asof left join version{n} on {same} and marked.place >= version{n}.place")
    return (
        f"with recursive {', '.join(ctes)} "
        f"select * from {scan} where _smelt_unchanged is null union all by name "
        f"select marked.* exclude (place) replace ({', '.join(values)}) from marked {' '.join(joins)}"
    )


def _moved(scan: str, key: Sequence[str]) -> list[str]:
    """CTEs that end in `moved`: events that gave their row another key, with the old one as `_smelt_old_…`.

    Nothing else can be an update of a row that is not there, or not any more.
    """
    keys = _list(key)
    olds = ", ".join(f"gone.{quote(name)} as {_old(name)}" for name in key)
    of_marked = f"({keys}) in (select ({keys}) from marked)"
    return [
        f"last as (select {keys}, {_PLACE}, _smelt_op from {scan} where {of_marked})",
        f"arisen as (select marked.* from marked asof left join last on {_same(key, 'marked', 'last')} "
        "and marked.place > last.place where last._smelt_op is null or last._smelt_op = 'd')",
        f"gone as (select {keys}, {_PLACE} from {scan} where _smelt_op = 'd' "
        "and _smelt_batch_id in (select _smelt_batch_id from arisen))",
        f"moved as (select arisen.*, {olds} from arisen asof join gone on arisen.place > gone.place)",
    ]


def _versions(scan: str, key: Sequence[str], n: int, column: str) -> list[str]:
    """CTEs that end in `version{n}`: key, place and value of each version that has a value of `column`.

    A row may have got several keys one after the other without its value being sent: the links are followed.
    """
    name, keys = quote(column), _list(key)
    olds = ", ".join(map(_old, key))
    of_marked = f"({keys}) in (select ({keys}) from marked) or ({keys}) in (select ({olds}) from unsent{n})"
    same_old = " and ".join(f"unsent{n}.{_old(part)} = origin{n}.{quote(part)}" for part in key)
    own_keys = ", ".join(f"unsent{n}.{quote(part)}" for part in key)
    return [
        f"unsent{n} as (select * from moved where {_is_unsent(column, 'moved')})",
        f"sent{n} as (select {keys}, {_PLACE}, {name} from {scan} "
        f"where _smelt_op <> 'd' and not {_is_unsent(column)} and ({of_marked}))",
        f"origin{n} as (select {keys}, place from sent{n} union all select {keys}, place from unsent{n})",
        f"link{n} as (select unsent{n}.place, origin{n}.place as origin from unsent{n} "
        f"asof join origin{n} on {same_old} and unsent{n}.place > origin{n}.place)",
        f"hop{n} as (select place, origin from link{n} union all "
        f"select hop{n}.place, link{n}.origin from hop{n} join link{n} on hop{n}.origin = link{n}.place)",
        f"version{n} as (select {keys}, place, {name} from sent{n} union all "
        f"select {own_keys}, unsent{n}.place, sent{n}.{name} from hop{n} "
        f"join sent{n} on hop{n}.origin = sent{n}.place join unsent{n} on hop{n}.place = unsent{n}.place)",
    ]


def _list(names: Sequence[str]) -> str:
    return ", ".join(map(quote, names))


def _same(key: Sequence[str], left: str, right: str) -> str:
    return " and ".join(f"{left}.{quote(name)} = {right}.{quote(name)}" for name in key)


def _old(name: str) -> str:
    return quote(f"_smelt_old_{name}")


def _is_unsent(column: str, relation: str = "") -> str:
    mark = f"{relation}._smelt_unchanged" if relation else "_smelt_unchanged"
    return f"coalesce(list_contains(from_json({mark}, '[\"varchar\"]'), {literal(column)}), false)"

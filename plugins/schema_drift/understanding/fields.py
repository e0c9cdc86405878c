"""Fields of structs and JSON: moved out into columns, moved in, and what changed inside one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import duckdb

from plugins.schema_drift.change import Kind

from .columns import Understood
from .recipes import Recipe
from .recipes.nested import Leaf, leaves, packed
from .recipes.recipe import Expression, cast
from .types import NESTED, Family, read_type

_LEAST_SHARE = 0.8
_LEAST_PAIRED = 0.3
_MOST_COLUMNS = 60
# A field, and the number of the column that holds it at the other time.
Moved = Sequence[tuple[Leaf, int]]


def nested(con: duckdb.DuckDBPyConnection, known: Understood) -> list[Recipe]:
    """Recipes for columns that are left over and have fields inside."""
    found: list[Recipe | None] = []
    inside_old = _leaves(con, known, known.pairing.removed, is_old=True)
    inside_new = _leaves(con, known, known.pairing.added, is_old=False)
    for one, fields in inside_old.items():
        found += [changed(con, known, one, two, fields, others) for two, others in inside_new.items()]
    found += [_flattened(con, known, one, fields) for one, fields in inside_old.items()]
    found += [_gathered(con, known, two, fields) for two, fields in inside_new.items()]
    return [one for one in found if one is not None]


def retyped(con: duckdb.DuckDBPyConnection, known: Understood) -> dict[int, Recipe]:
    """By old column: what changed inside of columns that a cast explains, as their other fields are there."""
    found: dict[int, Recipe] = {}
    for one, pair in known.pairing.pairs.items():
        types = known.old.types[one], known.new.types[pair.new]
        if types[0] == types[1] or any(read_type(type_).family is not Family.STRUCT for type_ in types):
            continue
        fields = _leaves(con, known, [one], is_old=True).get(one, [])
        others = _leaves(con, known, [pair.new], is_old=False).get(pair.new, [])
        recipe = changed(con, known, one, pair.new, fields, others) if fields and others else None
        if recipe is not None:
            found[one] = recipe
    return found


def _leaves(
    con: duckdb.DuckDBPyConnection, known: Understood, numbers: Sequence[int], *, is_old: bool
) -> dict[int, list[Leaf]]:
    side = known.old if is_old else known.new
    found = {}
    for number in numbers:
        if read_type(side.types[number]).family in NESTED | {Family.TEXT}:
            inside = leaves(con, side.column(number), side.temp, side.types[number])
            if inside:
                found[number] = inside
    return found


def _best(
    con: duckdb.DuckDBPyConnection,
    wanted: Sequence[str],
    given: Sequence[str],
    same: Sequence[tuple[int, int]] = (),
) -> list[int | None]:
    """For each wanted SQL value the given one that is equal on most matched rows; one-to-one, None: none is.

    same: pairs that are believed even where they hold one value only.
    """
    from plugins.core.assignment import assign

    if not wanted or not given:
        return [None] * len(wanted)
    tests = [
        f"count(*) filter ({a}::varchar = {b}::varchar), count(distinct case when {a}::varchar = {b}::varchar "
        f"then {a}::varchar end), count({a}), count({b})"
        for a in wanted
        for b in given
    ]
    row = con.execute(f"select {', '.join(tests)} from (select * from temp._drift_matched limit 3000)").fetchone()
    counts = [int(count) for count in row or ()]
    gains = {}
    for number in range(len(counts) // 4):
        pair = divmod(number, len(given))
        equal, varied, one, two = counts[4 * number : 4 * number + 4]
        if pair in same and equal >= _LEAST_SHARE * max(one, two):
            gains[pair] = 2.0
        elif equal >= _LEAST_SHARE * max(one, two, 1) and varied >= 2:
            gains[pair] = equal / max(one, two) + 0.001 * min(varied, 500)
    chosen = assign(gains)
    return [chosen.get(number) for number in range(len(wanted))]


def _flattened(con: duckdb.DuckDBPyConnection, known: Understood, one: int, fields: list[Leaf]) -> Recipe | None:
    """Fields of an old column stand in columns of their own now."""
    old, new = known.old, known.new
    added = known.pairing.added[:_MOST_COLUMNS]
    chosen = _best(con, [leaf.read(old.column(one)) for leaf in fields], [new.column(n) for n in added])
    pairs = [(leaf, added[place]) for leaf, place in zip(fields, chosen, strict=True) if place is not None]
    if not pairs or len(pairs) < 0.5 * len(fields):
        return None
    news = tuple(number for _, number in pairs)

    def back(c: Sequence[str]) -> str:
        parts = [(leaf.path, value) for (leaf, _), value in zip(pairs, c, strict=True)]
        empty = " and ".join(f"{value} is null" for value in c)
        return f"case when not ({empty}) then {packed(parts, old.types[one])} end"

    supply = tuple(_field(leaf, new.types[number]) for leaf, number in pairs)
    fields_now = {f"{old.names[one]}.{leaf.dotted}": new.names[number] for leaf, number in pairs}
    text = f"{len(pairs)} of {len(fields)} fields of `{old.names[one]}` stand in columns of their own"
    restore = (back if len(pairs) == len(fields) else None,)
    return Recipe(
        Kind.NESTED_MOVED, (one,), news, restore, supply, {"fields": fields_now}, text,
        test=lambda b, a: _equal((leaf.read(b[0]), value) for (leaf, _), value in zip(pairs, a, strict=True)),
    )  # fmt: skip


def _field(leaf: Leaf, type_: str) -> Expression:
    given = "varchar" if leaf.is_json else leaf.type
    return lambda c: cast(leaf.read(c[0]), given, type_) if given != type_ else leaf.read(c[0])


def _equal(pairs: Iterable[tuple[str, str]]) -> str:
    """SQL that is true where all pairs of values are the same, as text."""
    return " and ".join(f"{one}::varchar is not distinct from {two}::varchar" for one, two in pairs)


def _gathered(con: duckdb.DuckDBPyConnection, known: Understood, two: int, fields: list[Leaf]) -> Recipe | None:
    """Old columns are fields of a new one now."""
    old, new = known.old, known.new
    removed = known.pairing.removed[:_MOST_COLUMNS]
    chosen = _best(con, [leaf.read(new.column(two)) for leaf in fields], [old.column(n) for n in removed])
    pairs = [(leaf, removed[place]) for leaf, place in zip(fields, chosen, strict=True) if place is not None]
    if not pairs:
        return None
    restore = tuple(_field(leaf, old.types[number]) for leaf, number in pairs)
    there: Expression = lambda c: packed(  # noqa: E731
        [(leaf.path, value) for (leaf, _), value in zip(pairs, c, strict=True)], new.types[two]
    )
    fields_now = {old.names[number]: f"{new.names[two]}.{leaf.dotted}" for leaf, number in pairs}
    text = f"{len(pairs)} columns are fields of `{new.names[two]}`"
    olds = tuple(number for _, number in pairs)
    supply = (there if len(pairs) == len(fields) else None,)
    return Recipe(Kind.NESTED_MOVED, olds, (two,), restore, supply, {"fields": fields_now}, text)


def changed(
    con: duckdb.DuckDBPyConnection, known: Understood, one: int, two: int, fields: list[Leaf], others: list[Leaf]
) -> Recipe | None:
    """Fields of a column were renamed, moved (also out of it, or into it), added, removed or retyped."""
    old, new = known.old, known.new
    mine, theirs = [f.read(old.column(one)) for f in fields], [f.read(new.column(two)) for f in others]
    places = {leaf.path: number for number, leaf in enumerate(others)}
    same = [(number, places[leaf.path]) for number, leaf in enumerate(fields) if leaf.path in places]
    chosen = _best(con, mine, theirs, same)
    pairs = [(leaf, others[place]) for leaf, place in zip(fields, chosen, strict=True) if place is not None]
    if not pairs or len(pairs) < _LEAST_PAIRED * len(fields):
        return None
    lost = [leaf for leaf in fields if leaf not in {a for a, _ in pairs}]
    came = [leaf for leaf in others if leaf not in {b for _, b in pairs}]
    out = _elsewhere(con, [(f, f.read(old.column(one))) for f in lost], new.column, known.pairing.added, two)
    into = _elsewhere(con, [(f, f.read(new.column(two))) for f in came], old.column, known.pairing.removed, one)
    return _inside(known, (one, two), pairs, (lost, came), (out, into))


def _elsewhere(
    con: duckdb.DuckDBPyConnection,
    left: Sequence[tuple[Leaf, str]],
    name: Callable[[int], str],
    columns: Sequence[int],
    itself: int,
) -> Moved:
    """Fields that stand in columns of their own at the other time."""
    free = [number for number in columns if number != itself][:_MOST_COLUMNS]
    chosen = _best(con, [sql for _, sql in left], [name(number) for number in free])
    return [(leaf, free[place]) for (leaf, _), place in zip(left, chosen, strict=True) if place is not None]


def _inside(
    known: Understood,
    columns: tuple[int, int],
    pairs: Sequence[tuple[Leaf, Leaf]],
    alone: tuple[Sequence[Leaf], Sequence[Leaf]],
    moved: tuple[Moved, Moved],
) -> Recipe:
    old, new, (one, two), (out, into) = known.old, known.new, columns, moved
    lost = [leaf for leaf in alone[0] if leaf not in {a for a, _ in out}]
    came = [leaf for leaf in alone[1] if leaf not in {b for b, _ in into}]
    detail = _detail(known, columns, pairs, (lost, came), moved)

    def back(c: Sequence[str]) -> str:
        parts = [(a.path, b.write(c[0], a.type)) for a, b in pairs]
        parts += [(a.path, _cast(value, a.type)) for (a, _), value in zip(out, c[1:], strict=True)]
        return f"case when {c[0]} is not null then {packed(parts, old.types[one])} end"

    def there(c: Sequence[str]) -> str:
        parts = [(b.path, a.write(c[0], b.type)) for a, b in pairs]
        parts += [(b.path, _cast(value, b.type)) for (b, _), value in zip(into, c[1:], strict=True)]
        return f"case when {c[0]} is not null then {packed(parts, new.types[two])} end"

    def test(b: Sequence[str], a: Sequence[str]) -> str:
        inside = [(f.read(b[0]), g.read(a[0])) for f, g in pairs]
        inside += [(f.read(b[0]), value) for (f, _), value in zip(out, a[1:], strict=True)]
        return _equal([*inside, *((f.read(a[0]), value) for (f, _), value in zip(into, b[1:], strict=True))])

    restore = [back if not lost else None]
    restore += [lambda c, f=f, n=n: _field(f, old.types[n])([c[0]]) for f, n in into]
    supply = [there if not came else None]
    supply += [lambda c, f=f, n=n: _field(f, new.types[n])([c[0]]) for f, n in out]
    counts = (len(detail["fields"]), "moved"), (len(lost), "gone"), (len(came), "new")
    listed = ", ".join(f"{count} {word}" for count, word in counts if count)
    kind = Kind.NESTED_CHANGED if lost or came or not detail["fields"] else Kind.NESTED_MOVED
    return Recipe(
        kind, (one, *(n for _, n in into)), (two, *(n for _, n in out)), tuple(restore), tuple(supply), detail,
        f"fields of `{old.names[one]}`: {listed or 'other types'}", test=test,
    )  # fmt: skip


def _cast(value: str, type_: str) -> str:
    """SQL of a column's value for a field; JSON takes any."""
    return value if type_ == "json" else f"cast({value} as {type_})"


def _detail(
    known: Understood,
    columns: tuple[int, int],
    pairs: Sequence[tuple[Leaf, Leaf]],
    alone: tuple[Sequence[Leaf], Sequence[Leaf]],
    moved: tuple[Moved, Moved],
) -> Mapping[str, Any]:
    old, new = known.old, known.new
    names = old.names[columns[0]], new.names[columns[1]]
    fields = {f"{names[0]}.{a.dotted}": f"{names[1]}.{b.dotted}" for a, b in pairs if a.path != b.path}
    fields |= {f"{names[0]}.{a.dotted}": new.names[number] for a, number in moved[0]}
    fields |= {old.names[number]: f"{names[1]}.{b.dotted}" for b, number in moved[1]}
    detail: dict[str, Any] = {
        "fields": fields,
        "removed_fields": [leaf.dotted for leaf in alone[0]],
        "added_fields": [leaf.dotted for leaf in alone[1]],
        "retyped_fields": {a.dotted: [a.type, b.type] for a, b in pairs if a.type != b.type},
    }
    if pairs[0][0].is_json != pairs[0][1].is_json:
        detail |= {"format_before": old.types[columns[0]], "format_after": new.types[columns[1]]}
    return detail

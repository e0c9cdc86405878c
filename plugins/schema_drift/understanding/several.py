"""What one-to-one pairs don't explain: columns split and merged, fields moved in and out of structs and JSON."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from plugins.schema_drift.change import Kind

from .columns import Understood
from .pairing import Pair
from .recipes import Found, Recipe, prove
from .recipes.finding import Texts
from .recipes.nested import Leaf, leaves, packed
from .recipes.pieces import merges, sample, splits
from .recipes.recipe import Expression, cast
from .types import NESTED, NUMBERS, TIMES, Family, read_type

_LEAST_SHARE = 0.8
_MOST_WHOLES = 40
# Rows of a pair that are equal, from which on the rest are updates and no part of something else.
_MOST_UNEVEN = 0.98
_MOST_UNEVEN_PAIRS = 12
_WHOLE = frozenset({Family.TEXT, Family.TIMESTAMP})
_PART = NUMBERS | TIMES | {Family.TEXT, Family.TIME}


def find_several(con: duckdb.DuckDBPyConnection, known: Understood) -> None:
    """Take columns that several others explain out of what is left over; `known.several` tells how."""
    if not known.match.rows or not (known.pairing.removed or known.pairing.added):
        return
    recipes = [*_nested(con, known), *_pieces(con, known)]
    founds = [
        Found(one, proof) for one, proof in zip(recipes, prove(con, known.old, known.new, recipes), strict=True)
    ]
    good = [one for one in founds if _is_good(one)]
    good.sort(key=lambda one: (-round(one.proof.share, 2), -len(one.recipe.old) - len(one.recipe.new)))
    for found in good:
        recipe = found.recipe
        for one in _outdone(known, found):
            known.pairing.release(one)
            known.recipes.pop(one, None)
        is_free = set(recipe.old) <= set(known.pairing.removed) and set(recipe.new) <= set(known.pairing.added)
        if is_free:
            known.several.append(found)
            known.pairing.removed = [n for n in known.pairing.removed if n not in recipe.old]
            known.pairing.added = [n for n in known.pairing.added if n not in recipe.new]


def _uneven(known: Understood) -> list[int]:
    """Old columns whose partner has some other values: what is missing there may stand in a column of its own."""
    pairs = known.pairing.pairs.items()
    found = [
        (pair.share or 0.0, one)
        for one, pair in pairs
        if pair.basis == "matched" and pair.compared and (pair.share or 0.0) < _MOST_UNEVEN
        if not ((recipe := known.recipes.get(one)) and recipe.recipe.kind)
    ]
    return [one for _, one in sorted(found)[:_MOST_UNEVEN_PAIRS]]


def _outdone(known: Understood, found: Found) -> list[int]:
    """Pairs within the recipe's columns, if it explains most of what they leave open; none otherwise."""
    inside = [
        (one, pair)
        for one, pair in known.pairing.pairs.items()
        if one in found.recipe.old or pair.new in found.recipe.new
    ]
    is_within = all(one in found.recipe.old and pair.new in found.recipe.new for one, pair in inside)
    best = max((pair.share or 0.0 for _, pair in inside), default=0.0)
    is_better = found.proof.share - best >= 0.5 * (1 - best)
    uneven = set(_uneven(known))
    return (
        [one for one, _ in inside] if is_within and is_better and uneven.issuperset(o for o, _ in inside) else []
    )


def _is_good(found: Found) -> bool:
    proof = found.proof
    if found.recipe.kind in (Kind.COLUMN_SPLIT, Kind.COLUMNS_MERGED):
        share = min((equal / rows if rows else 0.0) for rows, equal in proof.restored)
        return share >= _LEAST_SHARE and proof.varied >= 3
    return proof.share >= _LEAST_SHARE and proof.varied >= 2


def _pieces(con: duckdb.DuckDBPyConnection, known: Understood) -> list[Recipe]:
    old, new, texts = known.old, known.new, Texts(con, known.match)
    uneven = _uneven(known)
    partners = [known.pairing.pairs[one].new for one in uneven]
    olds = [n for n in (*known.pairing.removed, *uneven) if read_type(old.types[n]).family in _PART]
    news = [n for n in (*known.pairing.added, *partners) if read_type(new.types[n]).family in _PART]
    if not olds or not news:
        return []
    ours = {n: sample(texts.of(old.column(n))) for n in olds[: 4 * _MOST_WHOLES]}
    theirs = {n: sample(texts.of(new.column(n))) for n in news[: 4 * _MOST_WHOLES]}
    found: list[Recipe] = []
    for one in list(ours)[:_MOST_WHOLES] if len(news) > 1 else ():
        if read_type(old.types[one]).family in _WHOLE:
            found += splits(old, new, one, list(theirs), ours[one], theirs)
    for two in list(theirs)[:_MOST_WHOLES] if len(olds) > 1 else ():
        if read_type(new.types[two]).family in _WHOLE:
            found += merges(old, new, two, list(ours), theirs[two], ours)
    return found


def _nested(con: duckdb.DuckDBPyConnection, known: Understood) -> list[Recipe]:
    old, new = known.old, known.new
    found: list[Recipe] = []
    inside_old = _leaves(con, known, known.pairing.removed, is_old=True)
    inside_new = _leaves(con, known, known.pairing.added, is_old=False)
    for one, fields in inside_old.items():
        for two, others in inside_new.items():
            recipe = _changed(con, known, one, two, fields, others)
            if recipe is not None:
                found.append(recipe)
    for one, fields in inside_old.items():
        recipe = _flattened(con, known, one, fields)
        if recipe is not None:
            found.append(recipe)
    for two, fields in inside_new.items():
        recipe = _gathered(con, known, two, fields)
        if recipe is not None:
            found.append(recipe)
    return [one for one in found if old.names and new.names]


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


def _best(con: duckdb.DuckDBPyConnection, wanted: Sequence[str], given: Sequence[str]) -> list[int | None]:
    """For each wanted SQL value the given one that is equal on most matched rows; one-to-one, None: none is."""
    from .assignment import assign

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
        equal, varied = counts[4 * number], counts[4 * number + 1]
        one, two = counts[4 * number + 2], counts[4 * number + 3]
        share = equal / max(one, two, 1)
        if share >= _LEAST_SHARE and varied >= 2:
            gains[divmod(number, len(given))] = share + 0.001 * varied
    chosen = assign(gains)
    return [chosen.get(number) for number in range(len(wanted))]


def _flattened(con: duckdb.DuckDBPyConnection, known: Understood, one: int, fields: list[Leaf]) -> Recipe | None:
    """Fields of an old column stand in columns of their own now."""
    old, new = known.old, known.new
    added = known.pairing.added[:60]
    chosen = _best(con, [leaf.read(old.column(one)) for leaf in fields], [new.column(n) for n in added])
    pairs = [(leaf, added[place]) for leaf, place in zip(fields, chosen, strict=True) if place is not None]
    if not pairs or len(pairs) < 0.5 * len(fields):
        return None
    news = tuple(number for _, number in pairs)
    is_whole = len(pairs) == len(fields)

    def back(c: Sequence[str]) -> str:
        parts = [(leaf.path, value) for (leaf, _), value in zip(pairs, c, strict=True)]
        empty = " and ".join(f"{value} is null" for value in c)
        return f"case when not ({empty}) then {packed(parts, old.types[one])} end"

    supply = tuple(_field(leaf, new.types[number]) for leaf, number in pairs)
    fields_now = {f"{old.names[one]}.{leaf.dotted}": new.names[number] for leaf, number in pairs}
    text = f"{len(pairs)} of {len(fields)} fields of `{old.names[one]}` stand in columns of their own"
    return Recipe(
        Kind.NESTED_MOVED, (one,), news, (back if is_whole else None,), supply, {"fields": fields_now}, text
    )


def _field(leaf: Leaf, type_: str) -> Expression:
    return lambda c: cast(leaf.read(c[0]), leaf.type, type_) if leaf.type != type_ else leaf.read(c[0])


def _gathered(con: duckdb.DuckDBPyConnection, known: Understood, two: int, fields: list[Leaf]) -> Recipe | None:
    """Old columns are fields of a new one now."""
    old, new = known.old, known.new
    removed = known.pairing.removed[:60]
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


def _changed(
    con: duckdb.DuckDBPyConnection, known: Understood, one: int, two: int, fields: list[Leaf], others: list[Leaf]
) -> Recipe | None:
    """Fields inside a column were renamed, moved, added, removed or retyped."""
    old, new = known.old, known.new
    wanted = [leaf.read(old.column(one)) for leaf in fields]
    chosen = _best(con, wanted, [leaf.read(new.column(two)) for leaf in others])
    pairs = [(leaf, others[place]) for leaf, place in zip(fields, chosen, strict=True) if place is not None]
    if not pairs or len(pairs) < 0.3 * len(fields):
        return None
    names = old.names[one], new.names[two]
    moved = {a.dotted: b.dotted for a, b in pairs if a.path != b.path}
    lost = [leaf.dotted for leaf in fields if leaf not in {a for a, _ in pairs}]
    came = [leaf.dotted for leaf in others if leaf not in {b for _, b in pairs}]
    retyped = {a.dotted: [a.type, b.type] for a, b in pairs if a.type != b.type}
    detail = {"fields": {f"{names[0]}.{a}": f"{names[1]}.{b}" for a, b in moved.items()}}
    detail |= {"removed_fields": lost, "added_fields": came, "retyped_fields": retyped}
    if fields[0].is_json != others[0].is_json:
        detail |= {"format_before": old.types[one], "format_after": new.types[two]}

    def back(c: Sequence[str]) -> str:
        parts = [(a.path, b.read(c[0])) for a, b in pairs]
        return f"case when {c[0]} is not null then {packed(parts, old.types[one])} end"

    def there(c: Sequence[str]) -> str:
        parts = [(b.path, a.read(c[0])) for a, b in pairs]
        return f"case when {c[0]} is not null then {packed(parts, new.types[two])} end"

    parts = [f"{len(group)} {word}" for group, word in ((moved, "moved"), (lost, "gone"), (came, "new")) if group]
    text = f"fields of `{names[0]}`: {', '.join(parts) or 'other types'}"
    kind = Kind.NESTED_CHANGED if lost or came or not moved else Kind.NESTED_MOVED
    # Fields that are gone can't be had again: then nothing is proven but the fields that are left.
    return Recipe(
        kind, (one,), (two,), (back if not lost else None,), (there if not came else None,), detail, text
    )


def taken(known: Understood) -> dict[int, Pair]:
    """Old columns that are in one new column alone, by several recipes, as pairs: what became of a name."""
    return {
        found.recipe.old[0]: Pair(found.recipe.old[0], found.recipe.new[0], 6.0, "matched", found.proof.share)
        for found in known.several
        if len(found.recipe.old) == len(found.recipe.new) == 1
    }

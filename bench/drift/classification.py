"""Seeded drift of every kind in tables of five domains, from 30 to 5,000 rows, while the tables live on.

For each kind: precision and recall of (kind, columns before, columns after) among changes of at least informative
severity and confidence 0.5. Calibration: how often changes of each confidence are right.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise

import duckdb
from rich.console import Console
from rich.table import Table as Shown

from bench.drift.generated_tables import DOMAINS, Frame, frame, later, seen
from plugins.schema_drift import Change, Kind, Severity
from plugins.schema_drift.understanding import compare

SIZES = (30, 300, 1_000, 5_000)
Expected = set[tuple[str, tuple[str, ...], tuple[str, ...]]]
Drifted = tuple[Frame, Expected]
_NEW_NAMES = ("gbp_value", "zz1", "field_b", "kennung", "attr_x", "val2", "p_ref", "info")


def _pick(rng: random.Random, given: Frame, *roles: str) -> str | None:
    found = [name for name, role in given.roles.items() if role in roles]
    return rng.choice(found) if found else None


def _mapped(given: Frame, name: str, made: Callable, type_: str, as_name: str | None = None) -> Frame:
    """The frame with a column's values turned into others, maybe under another name, in the same place."""
    columns, types, roles = {}, {}, {}
    for one, values in given.columns.items():
        now = (as_name or name) if one == name else one
        columns[now] = [None if v is None else made(v) for v in values] if one == name else values
        types[now] = type_ if one == name else given.types[one]
        roles[now] = given.roles[one]
    return Frame(columns, types, roles, as_name if as_name and given.key == name else given.key)


def _without(given: Frame, *names: str) -> Frame:
    return replace(given, columns={n: v for n, v in given.columns.items() if n not in names})


def _with(given: Frame, name: str, values: list, type_: str) -> Frame:
    return replace(given, columns={**given.columns, name: values}, types={**given.types, name: type_})


def renamed(rng: random.Random, given: Frame) -> Drifted | None:
    """One column under another name, in another place."""
    name = _pick(rng, given, "amount", "text", "moment", "id", "count", "enum", "day", "name")
    now = rng.choice(_NEW_NAMES)
    changed = _mapped(given, name or "", lambda v: v, given.types[name or ""], now)
    if rng.random() < 0.5:
        order = list(changed.columns)
        rng.shuffle(order)
        changed = replace(changed, columns={one: changed.columns[one] for one in order})
    return changed, {("column_renamed", (name or "",), (now,))}


def swapped(rng: random.Random, given: Frame) -> Drifted | None:
    """Two columns of one type have each other's name."""
    by_type = defaultdict(list)
    for name, type_ in given.types.items():
        if name != given.key and given.roles[name] != "flag":
            by_type[type_].append(name)
    groups = [names for names in by_type.values() if len(names) > 1]
    one, two = rng.sample(rng.choice(groups), 2)
    columns = {**given.columns, one: given.columns[two], two: given.columns[one]}
    return replace(given, columns=columns), {
        ("column_renamed", (one,), (two,)),
        ("column_renamed", (two,), (one,)),
    }


def chained(rng: random.Random, given: Frame) -> Drifted | None:
    """a → b, b → c in one step."""
    names = [
        n for n in given.columns if n != given.key and given.roles[n] in ("amount", "text", "moment", "name", "id")
    ]
    one, two = rng.sample(names, 2)
    columns = {**given.columns, two: given.columns[one], "chain_end": given.columns[two]}
    del columns[one]
    types = {**given.types, two: given.types[one], "chain_end": given.types[two]}
    made = replace(given, columns=columns, types=types)
    return made, {("column_renamed", (one,), (two,)), ("column_renamed", (two,), ("chain_end",))}


def removed_and_added(rng: random.Random, given: Frame) -> Drifted | None:
    """One column gone, another one new, of the same type and with the same kind of values, but not the same."""
    name = _pick(rng, given, "amount", "text", "count", "enum", "day") or ""
    values = list(given.columns[name])
    rng.shuffle(values)
    if sum(a == b for a, b in zip(values, given.columns[name], strict=True)) > 0.9 * given.rows:
        # Nearly a constant: shuffled, it is the same column.
        return None
    now = name + "_2" if rng.random() < 0.5 else rng.choice(_NEW_NAMES)
    made = _with(_without(given, name), now, values, given.types[name])
    return made, {("column_removed", (name,), ()), ("column_added", (), (now,))}


def added(rng: random.Random, given: Frame) -> Drifted | None:
    """A column that was not there."""
    made = _with(given, "channel", [rng.choice(["web", "phone", "shop"]) for _ in range(given.rows)], "varchar")
    return made, {("column_added", (), ("channel",))}


def removed(rng: random.Random, given: Frame) -> Drifted | None:
    """A column is gone."""
    name = _pick(rng, given, "amount", "text", "count", "enum", "day", "flag") or ""
    return _without(given, name), {("column_removed", (name,), ())}


def rescaled(rng: random.Random, given: Frame) -> Drifted | None:
    """Another unit."""
    name = _pick(rng, given, "amount")
    factor = rng.choice([100, 1000, 60, 0.001, 0.45359237, 1.609344])
    return _mapped(given, name or "", lambda v: float(v) * factor, "double"), {
        ("unit_changed", (name or "",), (name or "",))
    }


def renamed_rescaled(rng: random.Random, given: Frame) -> Drifted | None:
    """Another name and another unit at once."""
    name = _pick(rng, given, "amount") or ""
    return _mapped(given, name, lambda v: round(float(v) * 1000), "bigint", "minor_units"), {
        ("column_renamed", (name,), ("minor_units",))
    }


def retyped(rng: random.Random, given: Frame) -> Drifted | None:
    """Numbers as text."""
    name = _pick(rng, given, "count", "id")
    return (_mapped(given, name, str, "varchar"), {("type_changed", (name,), (name,))}) if name else None


def widened(rng: random.Random, given: Frame) -> Drifted | None:
    """int → bigint."""
    name = _pick(rng, given, "count")
    return (_mapped(given, name, int, "bigint"), {("type_widened", (name,), (name,))}) if name else None


def dates_otherwise(rng: random.Random, given: Frame) -> Drifted | None:
    """Dates as text in a national format."""
    name = _pick(rng, given, "day")
    form = rng.choice(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d"])
    made = _mapped(given, name, lambda v: v.strftime(form), "varchar") if name else None
    return (made, {("format_changed", (name or "",), (name or "",))}) if made else None


def epochs(rng: random.Random, given: Frame) -> Drifted | None:
    """Times as milliseconds."""
    name = _pick(rng, given, "moment") or ""
    since = datetime(1970, 1, 1)
    made = _mapped(given, name, lambda v: round((v - since).total_seconds() * 1000), "bigint")
    return made, {("format_changed", (name,), (name,))}


def shouted(rng: random.Random, given: Frame) -> Drifted | None:
    """Capital letters."""
    name = _pick(rng, given, "name")
    return (_mapped(given, name, str.upper, "varchar"), {("format_changed", (name,), (name,))}) if name else None


def values_renamed(rng: random.Random, given: Frame) -> Drifted | None:
    """Every value of an enumeration has another name."""
    name = _pick(rng, given, "enum")
    if name is None:
        return None
    words = {value: f"S{n}" for n, value in enumerate(sorted(set(given.columns[name])))}
    return _mapped(given, name, words.__getitem__, "varchar"), {("values_renamed", (name,), (name,))}


def split(rng: random.Random, given: Frame) -> Drifted | None:
    """Name → first, last; code → prefix, number."""
    name = _pick(rng, given, "name")
    if name is None:
        return None
    parts = [(None, None) if v is None else tuple(v.split(" ", 1)) for v in given.columns[name]]
    made = _with(_without(given, name), "first_part", [p[0] for p in parts], "varchar")
    made = _with(made, "second_part", [p[1] for p in parts], "varchar")
    return made, {("column_split", (name,), ("first_part", "second_part"))}


def merged(rng: random.Random, given: Frame) -> Drifted | None:
    """Two texts in one."""
    names = [n for n, role in given.roles.items() if role in ("text", "code") and None not in given.columns[n]][:2]
    if len(names) < 2:
        return None
    values = [f"{a} / {b}" for a, b in zip(given.columns[names[0]], given.columns[names[1]], strict=True)]
    if any("/" in str(v) for n in names for v in given.columns[n]):
        return None
    return _with(_without(given, *names), "combined", values, "varchar"), {
        ("columns_merged", tuple(names), ("combined",))
    }


def other_meaning(rng: random.Random, given: Frame) -> Drifted | None:
    """The same name and type, but something else."""
    name = _pick(rng, given, "amount") or ""
    values = [round(rng.uniform(-1, 1) * 9, 3) for _ in range(given.rows)]
    return replace(given, columns={**given.columns, name: values}, types={**given.types, name: "double"}), {
        ("meaning_changed", (name,), (name,))
    }


KINDS: dict[str, Callable[[random.Random, Frame], Drifted | None]] = {
    "renamed": renamed,
    "swapped": swapped,
    "renamed in a chain": chained,
    "removed and added": removed_and_added,
    "added": added,
    "removed": removed,
    "unit": rescaled,
    "renamed + unit": renamed_rescaled,
    "type changed": retyped,
    "type widened": widened,
    "date format": dates_otherwise,
    "epoch": epochs,
    "case": shouted,
    "values renamed": values_renamed,
    "split": split,
    "merged": merged,
    "other meaning": other_meaning,
}


@dataclass(frozen=True)
class Judged:
    """One change that was expected or found. size: rows before. is_right, is_found: of (kind, before, after)."""

    case: str
    domain: str
    size: int
    has_key: bool
    kind: str
    is_expected: bool
    is_found: bool
    confidence: float = 0.0
    text: str = ""


def cases(seed: int = 1) -> Iterator[tuple[str, str, int, bool, Frame, Frame, Expected]]:
    """Every kind in every domain and size, with and without a declared key, while rows come, change and go."""
    rng = random.Random(seed)
    for size in SIZES:
        for domain in DOMAINS:
            for case, make in KINDS.items():
                before = frame(domain, rng, size)
                living = rng.random() < 0.7
                now = later(domain, rng, before, 0.1, 0.02, 0.03) if living else before
                drifted = make(rng, now)
                if drifted is not None:
                    # The type of what is rescaled is declared the same at both times.
                    yield case, domain, size, rng.random() < 0.5, _typed_like(before, drifted[0]), *drifted


def _typed_like(before: Frame, after: Frame) -> Frame:
    types = {
        n: ("double" if t.startswith("decimal") and after.types.get(n) == "double" else t)
        for n, t in before.types.items()
    }
    return replace(before, types=types)


def judge(seed: int = 1) -> list[Judged]:
    """Compare every case, and hold what is found against what was done."""
    found: list[Judged] = []
    with duckdb.connect() as con:
        con.execute("set timezone = 'UTC'")
        for case, domain, size, has_key, before, after, expected in cases(seed):
            one = seen(con, "before_", before, has_key=has_key)
            drift = compare(con, [one], [seen(con, "after_", after, has_key=has_key)])
            found += _held(case, domain, size, has_key, expected, drift.changes)
    return found


def _held(
    case: str, domain: str, size: int, has_key: bool, expected: Expected, changes: tuple[Change, ...]
) -> list[Judged]:
    told = {}
    for one in changes:
        if one.severity is not Severity.SILENT and one.confidence >= 0.5:
            after = one.after if one.kind is not Kind.COLUMN_SPLIT else tuple(sorted(one.after))
            before = one.before if one.kind is not Kind.COLUMNS_MERGED else tuple(sorted(one.before))
            told[str(one.kind), before, after] = one
    wanted = {(kind, tuple(sorted(b)) if kind == "columns_merged" else b, a) for kind, b, a in expected}
    judged = []
    for key in {*told, *wanted}:
        one = told.get(key)
        judged.append(
            Judged(
                case,
                domain,
                size,
                has_key,
                key[0],
                key in wanted,
                key in told,
                one.confidence if one else 0.0,
                f"{key}",
            )
        )
    return judged


def run(console: Console) -> None:
    """Judge all cases and print precision and recall by kind, and calibration."""
    judged = judge()
    for title, sizes in (("under 1,000 rows", SIZES[:2]), ("1,000 rows and more", SIZES[2:])):
        some = [one for one in judged if one.size in sizes]
        table = Shown(title=f"Drift, classified: {title}")
        for column in ("", "expected", "found", "precision", "recall"):
            table.add_column(column, justify="left" if not column else "right")
        for kind in [*sorted({one.kind for one in some}), ""]:
            part = [one for one in some if not kind or one.kind == kind]
            table.add_row(kind or "all", *_row(part))
        console.print(table)
    console.print("wanted of renames at 1,000 rows and more: precision ≥ 98%, recall ≥ 95%")
    _calibration(console, [one for one in judged if one.is_found])


def _row(part: list[Judged]) -> tuple[str, str, str, str]:
    right = sum(one.is_expected and one.is_found for one in part)
    wanted, found = sum(one.is_expected for one in part), sum(one.is_found for one in part)
    return (
        str(wanted),
        str(found),
        f"{right / found:.1%}" if found else "–",
        f"{right / wanted:.1%}" if wanted else "–",
    )


def _calibration(console: Console, found: list[Judged]) -> None:
    table = Shown(title="Confidence and truth")
    for column in ("confidence", "changes", "mean", "right"):
        table.add_column(column, justify="right")
    error, bounds = 0.0, (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.01)
    for low, high in pairwise(bounds):
        part = [one for one in found if low <= one.confidence < high]
        if part:
            mean, right = sum(o.confidence for o in part) / len(part), sum(o.is_expected for o in part) / len(part)
            error += len(part) / len(found) * abs(mean - right)
            table.add_row(f"{low:.2f}–{min(high, 1):.2f}", str(len(part)), f"{mean:.3f}", f"{right:.3f}")
    console.print(table)
    console.print(f"expected calibration error: {error:.3f}")

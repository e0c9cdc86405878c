"""What rows that came since say of columns whose old rows kept their values: other formats, unknown values."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from plugins.core.duck import literal, quote
from plugins.schema_drift.change import Change, Fact, Kind, Restored, Severity
from plugins.schema_drift.table import Table

from . import telling
from .columns import Understood
from .dated import misdated
from .reading import Side, shape_of
from .recipes.dates import formats_of
from .types import Family, read_type

_LEAST_ROWS = 20
_MOST_KINDS = 20
_LEAST_EACH = 10
_FEW = 150


def arrivals(known: Understood, table: Table) -> list[Change]:
    """Changes that show in rows without a partner before, and values that nothing had."""
    if not known.old.taken:
        return []
    changes = []
    if len(known.match.fresh) >= _LEAST_ROWS:
        known.old.texts([n for n, type_ in enumerate(known.old.types) if read_type(type_).family is Family.TEXT])
        known.new.texts([n for n, type_ in enumerate(known.new.types) if read_type(type_).family is Family.TEXT])
    for one, pair in known.pairing.pairs.items():
        if one in known.recipes or one in known.meanings or known.old.names[one] != known.new.names[pair.new]:
            continue
        families = read_type(known.old.types[one]).family, read_type(known.new.types[pair.new]).family
        if families != (Family.TEXT, Family.TEXT):
            continue
        found = (
            misdated(known, table, one, pair.new, _written(known, one, pair.new))
            or _format(known, table, one, pair.new)
            or _values(known, table, one, pair.new)
        )
        if found is not None:
            changes.append(found)
    return changes


def _format(known: Understood, table: Table, one: int, two: int) -> Change | None:
    fresh = known.match.fresh
    if len(fresh) < _LEAST_ROWS:
        return None
    # A look at a few values spares nearly every column the look at all.
    some = known.old.shapes(one, slice(_FEW))
    if np.isin(known.new.shapes(two, fresh[:: max(1, len(fresh) // _LEAST_ROWS)]), some).mean() > 0.5:
        return None
    before, now = known.old.shapes(one), known.new.shapes(two, fresh)
    before, filled = before[known.old.hashes([one])[:, 0] != 0], known.new.hashes([two])[fresh, 0] != 0
    if len(before) < _LEAST_ROWS or filled.sum() < _LEAST_ROWS:
        return None
    kinds, counts = np.unique(before, return_counts=True)
    ordered = kinds[np.argsort(-counts)][:10]
    if np.isin(before, ordered).mean() < 0.98:
        return None
    strange = ~np.isin(now[filled], kinds)
    if strange.mean() < 0.8:
        return None
    old_texts = _filled(known.old, one, None)
    texts = _filled(known.new, two, fresh)
    # Empty texts are written in no way at all.
    if min(len(old_texts), len(texts)) < _LEAST_ROWS or _are_numbers_of_things(old_texts, texts):
        return None
    name, value = known.new.names[two], quote(known.new.names[two])
    was, became, sql = _formats(old_texts, texts, value)
    text = f"{int(strange.sum()):,} of {int(filled.sum()):,} new values are written as no value was before"
    facts = (Fact("format", text, float(strange.mean()), int(filled.sum())),)
    restores = (Restored(known.old.names[one], sql, (name,)),) if sql else ()
    return telling.change(
        Kind.FORMAT_CHANGED, table, (known.old.names[one],), (name,), 0.85 if sql else 0.7, facts,
        restores=restores, detail={"format_before": was, "format_after": became},
        question=f"`{name}` of {table.name}: new rows are written otherwise ({was} → {became}). "
        "Do they mean the same?",
    )  # fmt: skip


def _filled(side: Side, column: int, places: NDArray | None) -> list[str]:
    """The texts at some places (None: all) that are neither null nor empty."""
    texts, held = side.texts([column])[0], side.hashes([column])[:, 0] != 0
    picked = texts[held] if places is None else texts[places][held[places]]
    return [str(text) for text in picked if text]


def _are_numbers_of_things(before: list[str], fresh: list[str]) -> bool:
    """Whether each value names one thing, and new ones differ only before the digits: a new series."""
    if len(set(before)) < 0.98 * len(before) or len(set(fresh)) < 0.98 * len(fresh) or formats_of(fresh[:50]):
        return False
    old_tails, new_tails = ({_tail(text) for text in texts[:300]} for texts in (before, fresh))
    return bool(new_tails) and new_tails <= old_tails and "" not in new_tails


def _tail(text: str) -> str:
    """How a value is written from its first digit on."""
    found = re.search(r"9.*", shape_of(text))
    return found[0] if found else ""


def _formats(before: list[str], fresh: list[str], value: str) -> tuple[str, str, str | None]:
    """The old way, the new way, and SQL that writes both in the old way, if there is a safe one."""
    olds, news = formats_of(before[:300]), formats_of(fresh[:300])
    apart = [form for form in news if form not in olds]
    if len(olds) >= 1 and len(apart) == 1:
        sql = f"coalesce(strftime(try_strptime({value}, {literal(apart[0])}), {literal(olds[0])}), {value})"
        return olds[0], apart[0], sql
    for word, change in (("upper", str.upper), ("lower", str.lower)):
        if all(text == change(text) for text in before) and not all(text == change(text) for text in fresh):
            return f"{word} case", "other case", f"{word}({value})"
    return _shown(before), _shown(fresh), None


def _shown(texts: list[str]) -> str:
    shape = Counter(re.sub(r"[a-z]+", "a", re.sub(r"[A-Z]+", "A", re.sub(r"\d+", "9", text))) for text in texts)
    return f"`{shape.most_common(1)[0][0][:40]}`"


def _written(known: Understood, one: int, two: int) -> NDArray[np.intp]:
    """Places of rows that came since, and of those whose value is another one."""
    match = known.match
    old, new = known.old.hashes([one])[match.before, 0], known.new.hashes([two])[match.after, 0]
    return np.concatenate([match.fresh, match.after[old != new]])


def _values(known: Understood, table: Table, one: int, two: int) -> Change | None:
    """Values that a small, closed set did not have."""
    before = known.old.hashes([one])[:, 0]
    before = before[before != 0]
    kinds, counts = np.unique(before, return_counts=True)
    if len(before) < 500 or not 2 <= len(kinds) <= _MOST_KINDS or counts.min() < _LEAST_EACH:
        return None
    # A set of which one in a hundred values had been seen only now and then is not closed (Good 1953).
    now = known.new.hashes([two])[:, 0]
    written = _written(known, one, two)
    written = written[now[written] != 0]
    if (~np.isin(now[written], kinds)).sum() < 3 or len(written) < _LEAST_ROWS:
        return None
    every, known_texts = known.new.texts([two])[0], set(known.old.texts([one])[0])
    counted = Counter(every[place] for place in written if every[place] not in known_texts)
    added = [str(value) for value, count in counted.most_common() if value is not None and count >= 3]
    if not added or len(added) > 5:
        return None
    count = sum(count for value, count in counted.items() if value in added)
    if count < 0.03 * len(written):
        return None
    text = f"{count:,} of {len(written):,} new or changed rows hold values that none of {len(before):,} had"
    text += f": {telling.named_values(added)}"
    return telling.change(
        Kind.VALUES_ADDED, table, (known.old.names[one],), (known.new.names[two],), 0.9,
        (Fact("values", text, count / len(written), len(written)),), severity=Severity.INFORMATIVE,
        detail={"added_values": added},
    )  # fmt: skip

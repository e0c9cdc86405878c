"""Sets of values that were renamed: on matched rows, each old value has become one new value."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from plugins.core.duck import literal
from plugins.schema_drift.change import Kind
from plugins.schema_drift.understanding.types import NUMBERS, Family, read_type

from .recipe import Expression, Recipe

_MOST_VALUES = 60
_LEAST_SUPPORT = 0.9
_LEAST_CYCLIC = 5
# Rows beyond the first of each value, which alone show that it is the value that has another name.
_LEAST_REPEATED = 3
_YES, _NO = (
    {"y", "yes", "true", "t", "1", "on", "ja", "oui", "si"},
    {"n", "no", "false", "f", "0", "off", "nein", "non"},
)


def of_values(
    one: int, two: int, types: tuple[str, str], before: Sequence[str | None], after: Sequence[str | None]
) -> list[Recipe]:
    """A mapping of old values to new ones, one-to-one, if matched rows show it; values as text."""
    families = [read_type(type_).family for type_ in types]
    if not all(family in NUMBERS | {Family.TEXT, Family.BOOLEAN} for family in families):
        return []
    # Quantities are no names of things: prices that are other prices now were raised, not renamed.
    if any(read_type(type_).scale or families[n] is Family.FLOAT for n, type_ in enumerate(types)):
        return []
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    rows = 0
    for was, now in zip(before, after, strict=True):
        if was is not None and now is not None:
            seen[was][now] += 1
            rows += 1
            if len(seen) > _MOST_VALUES:
                return []
    if len(seen) < 2 or rows < 4 * len(seen):
        return []
    mapping = {was: counted.most_common(1)[0][0] for was, counted in seen.items()}
    kept = sum(seen[was][now] for was, now in mapping.items())
    if len(set(mapping.values())) < len(mapping) or kept < _LEAST_SUPPORT * rows:
        return []
    moved = {was: now for was, now in mapping.items() if was != now}
    if sum(seen[was][now] - 1 for was, now in moved.items()) < max(_LEAST_REPEATED, len(moved)):
        return []
    if not moved or not _is_renaming(moved, seen, set(filter(None, before)), set(filter(None, after))):
        return []
    is_words = len(mapping) == 2 and all(
        any(str(v).lower() in words for words in (_YES, _NO)) for pair in mapping.items() for v in pair
    )
    back = _mapped({now: was for was, now in moved.items()}, types[1], types[0])
    there = _mapped(moved, types[0], types[1])
    if is_words:
        detail = {"format_before": "/".join(sorted(mapping)), "format_after": "/".join(sorted(mapping.values()))}
        detail |= {"values": mapping}
        text = f"yes and no are written {detail['format_after']} instead of {detail['format_before']}"
        return [Recipe(Kind.FORMAT_CHANGED, (one,), (two,), (back,), (there,), detail, text, cost=0.1)]
    some = ", ".join(f"`{was}` → `{now}`" for was, now in list(moved.items())[:3])
    text = f"{len(moved)} of {len(mapping)} values have another name: {some}{' …' if len(moved) > 3 else ''}"
    return [Recipe(Kind.VALUES_RENAMED, (one,), (two,), (back,), (there,), {"values": moved}, text, cost=0.4)]


def _is_renaming(moved: dict[str, str], seen: dict[str, Counter[str]], before: set[str], after: set[str]) -> bool:
    """Rows that move on to another value of the set are updates; a value that is gone everywhere is renamed."""
    for was, now in moved.items():
        if sum(seen[was].values()) < 3:
            continue
        if now in before and moved.get(now) is None:
            return False
        if was in after and was not in moved.values():
            return False
    # Values that only change places must do so in nearly all of their rows, and in enough of them.
    cyclic = all(now in before for now in moved.values())
    return not cyclic or all(
        sum(seen[was].values()) >= _LEAST_CYCLIC
        and seen[was].most_common(1)[0][1] >= _LEAST_SUPPORT * sum(seen[was].values())
        for was in moved
    )


def _mapped(mapping: dict[str, str], given: str, wanted: str) -> Expression:
    text_given = read_type(given).family is Family.TEXT
    text_wanted = read_type(wanted).family is Family.TEXT

    def made(c: Sequence[str]) -> str:
        value = c[0] if text_given else f"cast({c[0]} as varchar)"
        cases = " ".join(f"when {literal(was)} then {literal(now)}" for was, now in sorted(mapping.items()))
        # What nobody has seen yet stays as it is.
        whole = f"case {value} {cases} else {value} end"
        return whole if text_wanted else f"try_cast({whole} as {wanted})"

    return made

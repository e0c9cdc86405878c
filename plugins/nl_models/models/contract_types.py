"""The types that a contract promises: those of the project's columns like it, else what the engine gives."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)", re.IGNORECASE)
# A ratio is no sum of cents: as many decimals as a share needs to be told from the next one.
_RATIO = "decimal(18, 6)"
_SHARES = ("_share", "_rate", "_ratio")


def contract_types(
    natural: Mapping[str, str], known: Mapping[str, Counter[str]], ratios: Iterable[str] = ()
) -> dict[str, str]:
    """By column, its type in a contract. natural: what the query gives. known: types of the aggregates here."""
    shares = set(ratios)
    found = {name: _type(name, kind, known, name in shares) for name, kind in natural.items()}
    for name in found:
        base = next((other for other in found if name.startswith(f"{other}_") or name.endswith(f"_{other}")), None)
        # The month before has the type of the month.
        if base is not None and name not in shares and found[base].startswith("decimal"):
            found[name] = found[base]
    return found


def as_yaml(data_type: str) -> str:
    """`DECIMAL(18,2)` → `decimal(18, 2)`."""
    return data_type.lower().replace(",", ", ").replace(",  ", ", ")


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same type."""
    return one.lower().replace(" ", "") == other.lower().replace(" ", "")


def _type(name: str, natural: str, known: Mapping[str, Counter[str]], is_ratio: bool) -> str:
    upper = natural.upper()
    if upper == "HUGEINT":
        return "bigint"
    if not (upper.startswith("DECIMAL") or upper == "DOUBLE"):
        return as_yaml(natural)
    like = _of_the_same_name(name, known) or (_of_a_share(known) if name.endswith(_SHARES) else None)
    if like and like.lower().startswith(("decimal", "double")):
        return as_yaml(like)
    if is_ratio and any("decimal" in kind.lower() for kinds in known.values() for kind in kinds):
        return _RATIO
    found = _DECIMAL.fullmatch(natural)
    return f"decimal({min(int(found[1]), 18)}, {found[2]})" if found else as_yaml(natural)


def _of_a_share(known: Mapping[str, Counter[str]]) -> str | None:
    alike: Counter[str] = Counter()
    for other, kinds in known.items():
        if other.endswith(_SHARES):
            alike.update(kinds)
    return alike.most_common(1)[0][0] if alike else None


def _of_the_same_name(name: str, known: Mapping[str, Counter[str]]) -> str | None:
    """The type of the column of that name, else the commonest of those that end in the same word."""
    if name in known:
        return known[name].most_common(1)[0][0]
    ending = f"_{name.rpartition('_')[2]}"
    alike: Counter[str] = Counter()
    for other, kinds in known.items():
        if other.endswith(ending):
            alike.update(kinds)
    return alike.most_common(1)[0][0] if alike else None

"""Changes as the ledger keeps them, and by what a change is known again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from plugins.schema_drift.change import Change, Severity

# What of a change's detail makes it another change; counts and samples differ from day to day.
_TELLING = (
    "type_before",
    "type_after",
    "factor",
    "format_before",
    "format_after",
    "values",
    "key_before",
    "key_after",
)
_MOST_VALUES = 50


def print_of(change: Change) -> str:
    """A text that is the same whenever the same change is found again, whatever the evidence for it."""
    detail = {name: _plain(change.detail[name]) for name in _TELLING if name in change.detail}
    told = [str(change.kind), change.table, list(change.before), list(change.after), detail]
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()[:32]


def fingerprint(prints: Iterable[str]) -> str:
    """Of several changes, in any order."""
    return hashlib.sha256("\n".join(sorted(prints)).encode()).hexdigest()


def recorded(change: Change) -> dict[str, Any]:
    """A change for the ledger. Values of rows are left out: the ledger is read by more people than bronze."""
    return {
        "kind": str(change.kind),
        "before": list(change.before),
        "after": list(change.after),
        "severity": str(change.severity),
        "confidence": round(change.confidence, 4),
        "print": print_of(change),
    }


def blocks(changes: Iterable[Change], policy: str) -> bool:
    """Whether these changes of a stream hold it back.

    Under `review` everything worth telling does; else what would break the build, or let it be wrong.
    """
    least = Severity.INFORMATIVE if policy == "review" else Severity.BREAKING
    return any(change.severity.rank >= least.rank for change in changes)


def prints_in(changes: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The prints of recorded changes."""
    return frozenset(str(one["print"]) for one in changes if "print" in one)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((str(key), str(one)) for key, one in value.items())[:_MOST_VALUES]
    return str(value)

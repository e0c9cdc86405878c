"""Which of DuckDB's functions a guarded query may call: every one is classified, an unknown one is refused."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

# The parser's names of what is written otherwise: `unnest` in a select list, `at time zone`, lists and rows.
_WRITTEN_OTHERWISE = frozenset({"unnest", "unpivot_list"})


@cache
def classification() -> Mapping[tuple[str, str], str | None]:
    """(name, kind) → why it is refused, None: it is allowed. Kinds: scalar, aggregate, table, pragma."""
    text = files("plugins.core.sql.guard").joinpath("functions.csv").read_text(encoding="utf-8")
    return {
        (row["name"], row["kind"]): row["reason"] if row["verdict"] == "refused" else None
        for row in csv.DictReader(text.splitlines())
    }


def why_refused(name: str, *, is_table: bool) -> str | None:
    """Why a function may not be called, as a row source or in an expression; None: it may."""
    known = classification()
    if is_table:
        return known.get((name, "table"), "it is not known")
    if name in _WRITTEN_OTHERWISE:
        return None
    reasons = [known[(name, kind)] for kind in ("scalar", "aggregate") if (name, kind) in known]
    if not reasons:
        return known.get((name, "table")) or known.get((name, "pragma")) or "it is not known"
    return next((reason for reason in reasons if reason is not None), None)

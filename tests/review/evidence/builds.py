"""Two builds of a model in attached DuckDB databases, as a review lays them side by side."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import duckdb

from plugins.review.evidence.comparison import ComparedModel, Comparison, Limits
from plugins.review.evidence.distribution import DistributionShift
from plugins.review.evidence.finding import Finding
from plugins.review.evidence.keys import KeyDiff
from plugins.review.evidence.rows import RowCounts
from plugins.review.evidence.schema import SchemaDiff
from plugins.review.evidence.values import ValueDiff

KINDS = {kind.kind: kind for kind in (SchemaDiff(), RowCounts(), KeyDiff(), ValueDiff(), DistributionShift())}


def lay_side_by_side(
    base: str | None, head: str | None, key: Sequence[str] = ("id",), limits: Limits | None = None, **model: Any
) -> Comparison:
    """A comparison of one model, `m`; base, head: the queries that made its tables, None: it is not there."""
    con = duckdb.connect()
    con.execute("set timezone = 'UTC'")
    places: dict[str, str | None] = {}
    for side, query in (("base", base), ("head", head)):
        con.execute(f"attach ':memory:' as {side}")
        places[side] = f'"{side}"."main"."m"' if query else None
        if query:
            con.execute(f"create table {side}.main.m as {query}")
    compared = ComparedModel("m", "model.shop.m", places["base"], places["head"], tuple(key))
    return Comparison(con, (replace(compared, **model),), limits or Limits())


def judge(kind: str, comparison: Comparison) -> Finding:
    """What one kind says of the only model; it must be JSON."""
    (finding,) = KINDS[kind].collect(comparison)
    json.dumps([finding.facts, finding.samples], allow_nan=False)
    return finding

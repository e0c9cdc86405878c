"""Readings are run to see which hold: an error, or nothing where something is expected, speaks against one."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from plugins.core.errors import SmeltError
from plugins.core.sql.guard import Limits, Result, check, run
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.ranking.evidence import outcome
from plugins.nl_models.ranking.model import Model
from plugins.nl_models.ranking.readings import Reading

# So many readings are run, unless that takes longer than this, in seconds.
_MOST_RUN, _LONGEST = 6, 0.5
_WIDEST_MARGIN = 3.0


@dataclass(frozen=True)
class Tried:
    """A reading with what came of it. result: None if it fails. evidence: all that speaks for and against it."""

    reading: Reading
    result: Result | None
    error: str
    evidence: Mapping[str, float]


def try_readings(
    readings: Sequence[Reading],
    catalog: Catalog,
    con: duckdb.DuckDBPyConnection,
    model: Model,
    limits: Limits | None = None,
) -> list[Tried]:
    """The readings that were run, the best first."""
    tried: list[Tried] = []
    started = time.perf_counter()
    for reading in readings[:_MOST_RUN]:
        if tried and time.perf_counter() - started > _LONGEST:
            break
        result, error = _run(reading, catalog, con, limits)
        tried.append(Tried(reading, result, error, {**reading.evidence, **outcome(result)}))
    return in_order(tried, model)


def in_order(tried: Sequence[Tried], model: Model) -> list[Tried]:
    """The best first. The evidence of each says by how much it is better than the next that says something else,
    and how many of the others do."""
    scores = [model.score(each.evidence) for each in tried]
    ranked: list[tuple[float, Tried]] = []
    for each, own in zip(tried, scores, strict=True):
        others = [(other, score) for other, score in zip(tried, scores, strict=True) if other is not each]
        different = [score for other, score in others if _rows(other) != _rows(each)]
        compared = {
            "margin": min([_WIDEST_MARGIN, *(own - score for score in different)]),
            "disagreement": len(different) / max(len(others), 1),
        }
        ranked.append((own, replace(each, evidence={**each.evidence, **compared})))
    return [each for _, each in sorted(ranked, key=lambda pair: -pair[0])]


def _run(
    reading: Reading, catalog: Catalog, con: duckdb.DuckDBPyConnection, limits: Limits | None
) -> tuple[Result | None, str]:
    try:
        return run(con, check(reading.sql, catalog.tables), limits), ""
    except SmeltError as error:
        return None, error.message


def _rows(each: Tried) -> list[str] | None:
    return None if each.result is None else sorted(map(repr, each.result.rows))

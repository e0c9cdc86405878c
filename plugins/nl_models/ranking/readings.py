"""The readings of a question, each as a plan with its evidence, before anything is run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from plugins.core.errors import SmeltError
from plugins.nl_models.catalog.schema import Catalog
from plugins.nl_models.linking import Chunk
from plugins.nl_models.parser.compose import compose
from plugins.nl_models.parser.parse import Parser
from plugins.nl_models.plan import Plan
from plugins.nl_models.ranking.coverage import relating, uncovered
from plugins.nl_models.ranking.evidence import evidence
from plugins.nl_models.ranking.variants import variants
from plugins.nl_models.render.sql import to_sql


@dataclass(frozen=True)
class Reading:
    """sql: what the plan renders as. what: which chunk is read otherwise than at first, and as what.

    doubts: what was not understood. evidence: by name.
    """

    plan: Plan
    sql: str
    doubts: tuple[str, ...]
    chunks: tuple[Chunk, ...]
    evidence: Mapping[str, float]
    what: tuple[Chunk, Any] | None = None


def _unread(chunk: Chunk, left_out: Chunk) -> Chunk:
    return replace(chunk, kind="word") if (chunk.start, chunk.end) == (left_out.start, left_out.end) else chunk


def readings(chunks: Sequence[Chunk], catalog: Catalog) -> list[Reading]:
    """Different readings of the chunks of one question, the plain one first; none if nothing is asked for."""
    found: dict[str, Reading] = {}
    for variant in variants(chunks):
        parser = Parser(catalog, list(variant.chunks))
        draft = parser.read()
        plan = compose(draft, catalog, is_joined=variant.is_joined)
        if plan is None:
            continue
        try:
            sql = to_sql(plan, catalog)
        except SmeltError:
            # Tables that nothing joins.
            continue
        how = {
            "other reading": float(variant.what is not None),
            "left out": float(variant.what is not None and variant.what[1] is None),
            "joined": float(variant.is_joined),
        }
        facts = {**evidence(parser.context.chunks, draft.doubts, plan, catalog), **how}
        if variant.what is not None and variant.what[1] is None:
            # Who leaves out a guess has nothing of that word.
            said = [_unread(chunk, variant.what[0]) for chunk in parser.context.chunks]
            facts |= {
                "uncovered": min(len(uncovered(said, len(plan.select))), 2),
                "relating": min(len(relating(said)), 2),
            }
        doubts = tuple(draft.doubts)
        found.setdefault(sql, Reading(plan, sql, doubts, tuple(parser.context.chunks), facts, variant.what))
    return list(found.values())

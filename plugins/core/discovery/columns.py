"""The profile of a column, of one look at it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from plugins.core.discovery.look import Look
from plugins.core.discovery.personal import personal_data, shown
from plugins.core.discovery.profile import ColumnProfile, Finding, Variant
from plugins.core.discovery.semantics import Meaning, mean
from plugins.core.discovery.semantics.candidate import Candidate

_EXAMPLES = 5
_MOST_VALUES = 60


def profile_column(look: Look, meaning: Meaning | None = None) -> ColumnProfile:
    """What is known of a column by itself."""
    meaning = meaning or mean(look)
    best = meaning.best
    personal = personal_data(look, meaning)
    missing = _missing(look)
    low, high = _bounds(look)
    texts = look.texts
    order = np.argsort(-look.counts, kind="stable")[:_MOST_VALUES]
    return ColumnProfile(
        name=look.cells.name,
        path=look.cells.path,
        data_type=look.cells.data_type,
        casts_to=best.casts_to,
        nullable=look.nulls > 0 or bool(look.placeholders),
        null_share=missing / look.rows if look.rows else 0.0,
        distinct=look.distinct,
        looked_at=look.rows,
        semantic=as_finding(best),
        runners_up=tuple(map(as_finding, meaning.others)),
        pii=personal,
        format=best.format,
        zone=best.zone,
        unit=best.unit,
        values=tuple(shown(text, look, personal) for text in look.pick(order)) if _is_listed(look, best) else (),
        placeholders=tuple(dict.fromkeys(look.placeholders)),
        minimum=None if personal or low is None else shown(low, look, None),
        maximum=None if personal or high is None else shown(high, look, None),
        mean_length=sum(map(len, texts)) / len(texts) if texts and look.family == "text" else 0.0,
        examples=tuple(dict.fromkeys(shown(text, look, personal) for text in texts[:_EXAMPLES])),
        variants=tuple(Variant(*one) for one in look.cells.variants),
    )


def as_finding(one: Candidate) -> Finding:
    """A candidate as it is told."""
    return Finding(one.value, round(min(one.confidence, 0.99), 3), one.evidence)


def renamed(column: ColumnProfile, semantic: Finding) -> ColumnProfile:
    """A column that turned out to be something else; what it was taken for becomes the first runner-up."""
    others = (column.semantic, *(one for one in column.runners_up if one.value != semantic.value))
    kept = tuple(one for one in others if one.value != semantic.value)
    return replace(column, semantic=semantic, runners_up=kept[:3])


def _is_listed(look: Look, best: Candidate) -> bool:
    return look.distinct <= _MOST_VALUES and (
        best.value in ("enum", "boolean", "country", "currency", "language")
        or (best.value == "text" and look.distinct <= 20)
    )


def _missing(look: Look) -> int:
    """Rows without a value, or with a word that stands for none."""
    if not look.placeholders:
        return look.nulls
    empty = set(look.placeholders)
    values = look.different.to_pylist()
    return look.nulls + int(
        sum(count for value, count in zip(values, look.counts, strict=True) if str(value).strip() in empty)
    )


def _bounds(look: Look) -> tuple[str | None, str | None]:
    import pyarrow.compute as pc

    if not look.filled or look.cells.kind != "scalar" or look.family in ("other", "binary", "boolean"):
        return None, None
    if look.family == "text" and look.cells.data_type not in ("VARCHAR", "UUID"):
        return None, None
    bounds = pc.min_max(look.different)  # pyright: ignore[reportAttributeAccessIssue]
    return str(bounds["min"].as_py()), str(bounds["max"].as_py())

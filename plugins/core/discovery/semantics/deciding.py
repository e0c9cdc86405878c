"""The choice between what recognisers say of a column."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from plugins.core.discovery.look import Look
from plugins.core.discovery.names import is_code_name, is_id_name
from plugins.core.discovery.semantics.candidate import Candidate
from plugins.core.discovery.semantics.forms import of_forms
from plugins.core.discovery.semantics.moments import of_moments
from plugins.core.discovery.semantics.numbers import of_numeric, of_written
from plugins.core.discovery.semantics.words import enums, of_words

_LEAST_RUNNER_UP = 0.2
_RUNNERS_UP = 3
_WHOLE = 2.0**53
_KEEP_CAST = frozenset({"id", "foreign_key", "enum", "number"})
_LEAST_DOUBT = 0.35
_NESTED = {"array": "array", "map": "map", "json": "json", "polymorphic": "polymorphic", "binary": "binary"}


@dataclass(frozen=True)
class Meaning:
    """The best of the candidates, and the next best."""

    best: Candidate
    others: tuple[Candidate, ...] = ()


def mean(look: Look) -> Meaning:
    """What a column means, of all that may be said about it."""
    found = sorted(_candidates(look), key=lambda one: -one.confidence)
    unlike: dict[str, Candidate] = {}
    for one in found:
        unlike.setdefault(one.value, one)
    best, *others = unlike.values()
    if best.casts_to is None and best.value in _KEEP_CAST:
        best = replace(best, casts_to=_cast(look, found))
    kept = [one for one in others if one.confidence >= _LEAST_RUNNER_UP]
    # What is left, where nothing else is likely, is more than the weak word for it says.
    if best.value in ("text", "number") and (not kept or kept[0].confidence < _LEAST_DOUBT):
        best = replace(best, confidence=1 - (1 - best.confidence) * 0.3)
    return Meaning(best, tuple(kept[:_RUNNERS_UP]))


def _cast(look: Look, found: Sequence[Candidate]) -> str | None:
    """How values are to be read, whatever they mean."""
    if look.family == "text":
        return next((one.casts_to for one in found if one.casts_to and one.value in ("number", "json")), None)
    # Whole numbers become floats on their way where some are missing.
    is_whole = look.family == "float" and len(look.numbers) > 1 and not (look.numbers % 1).any()
    return "BIGINT" if is_whole and abs(look.numbers).max() < _WHOLE else None


def _candidates(look: Look) -> Iterator[Candidate]:
    if look.cells.kind in _NESTED:
        yield Candidate(_NESTED[look.cells.kind], 0.97, look.cells.evidence or f"stored as {look.cells.data_type}")
        return
    if not look.filled:
        yield Candidate("empty", look.rows / (look.rows + 3), f"no value in {look.rows:,} rows")
        said = ["id"] if is_id_name(look.name) else sorted(look.hints)
        yield from (
            Candidate(value, 0.3 / len(said), f"called `{look.name}`; there are no values") for value in said
        )
        return
    if not look.texts:
        yield Candidate("empty", 0.5, "nothing but blanks")
        return
    yield from _typed(look)
    if look.family in ("integer", "float", "decimal"):
        yield from of_numeric(look)
        yield from enums(look)
    elif look.family == "text":
        yield from of_forms(look)
        yield from of_moments(look)
        yield from of_written(look)
        yield from of_words(look)
    yield from _ids(look)
    yield from _codes(look)
    is_number = look.family in ("integer", "float", "decimal")
    yield Candidate("number" if is_number else "text", 0.2, f"{look.distinct:,} different values")


def _typed(look: Look) -> Iterator[Candidate]:
    """What the stored type alone says."""
    kind = look.cells.data_type
    if look.family == "timestamp":
        yield Candidate("timestamp", 0.99, f"stored as {kind}", zone="UTC" if "ZONE" in kind else None)
    elif look.family in ("date", "time", "boolean"):
        yield Candidate(look.family, 0.99, f"stored as {kind}")
    elif kind == "JSON":
        yield Candidate("json", 0.97, "stored as JSON")
    elif look.family == "other" or kind == "INTERVAL":
        yield Candidate("text", 0.3, f"stored as {kind}")


def _codes(look: Look) -> Iterator[Candidate]:
    """Numbers that are called codes."""
    if look.family in ("integer", "decimal") or look.is_written_number:
        if not is_code_name(look.name) or re.search(r"amount|phone|count", look.name.lower()):
            return
        yield Candidate("code", 0.75 * look.filled / (look.filled + 2), f"numbers, called `{look.name}`")


def _ids(look: Look) -> Iterator[Candidate]:
    """Identifiers by name; whether of these rows or of others, keys and references tell later."""
    if look.family not in ("integer", "text", "decimal", "float") or not is_id_name(look.name):
        return
    if look.family == "float" and (look.numbers % 1).any():
        return
    if look.family == "text" and sum(len(text.split()) for text in look.texts) > 1.5 * len(look.texts):
        return
    share = look.distinct / look.filled
    yield Candidate(
        "id" if look.distinct == look.filled else "foreign_key", 0.9 * look.filled / (look.filled + 1),
        f"called `{look.name}`; {look.distinct:,} different values in {look.filled:,} rows ({share:.0%})",
    )  # fmt: skip

"""Which entities a stream feeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from plugins.core.embeddings import encode
from plugins.source_mapping.entities import Entity
from plugins.source_mapping.matching import Matching, match
from plugins.source_mapping.matching.words import words_of
from plugins.source_mapping.planning.assigning import Assigned, assign_columns
from plugins.source_mapping.streams import SourceStream

# A stream feeds an entity from this on; a reviewer is asked below SURE.
LEAST = 0.5
_LEAST_CHOSEN = 0.3
_LEAST_COVERED = 4
SURE = 0.7
# Of a second entity more is asked: most streams are one thing.
_LEAST_SECOND = 0.6
_KEY_WEIGHT = 2.0
# What remains of the confidence where the key is no key of the stream.
_REFERS = 0.4
_UNIQUE = 0.98


@dataclass(frozen=True)
class Candidate:
    """A stream and an entity that it may feed. confidence: 0..1. is_covered: most of the entity's columns are
    there.
    """

    entity: Entity
    matching: Matching
    assigned: Sequence[Assigned]
    confidence: float
    is_covered: bool


def choose(
    stream: SourceStream, entities: Mapping[str, Entity], approved: Sequence[str], *, is_chosen: bool = False
) -> list[Candidate]:
    """The entities that a stream feeds, the surest first.

    approved: those that people have said. is_chosen: somebody named the entities.
    """
    candidates = [_candidate(stream, entity) for entity in entities.values()]
    candidates.sort(key=lambda one: -one.confidence)
    said = [one for one in candidates if one.entity.name in approved]
    if said:
        return said
    least = _LEAST_CHOSEN if is_chosen else LEAST
    best = [one for one in candidates[:1] if one.confidence >= least or one.is_covered]
    return best + [one for one in candidates[1:] if best and one.confidence >= _LEAST_SECOND]


def _candidate(stream: SourceStream, entity: Entity) -> Candidate:
    matching = match(stream.table, entity.table)
    assigned = assign_columns(matching)
    weights = np.array([_KEY_WEIGHT if column.is_key else 1.0 for column in entity.table.columns])
    found = np.array([one.confidence for one in assigned])
    covered = float((weights * found).sum() / max(weights.sum(), 1e-9)) if len(found) else 0.0
    named = _alike(stream.name, entity.name)
    # How much of the entity is there, how much of the stream is used, and whether both are called alike.
    used = len({one.source for one in assigned if one.source is not None and one.confidence >= SURE})
    share = used / max(1, min(len(stream.table.columns), len(entity.table.columns)))
    # Two columns that fit prove little: nearly every table has a number and a country.
    proof = min(1.0, 1.25 * len(assigned) / (len(assigned) + 2))
    grain = _grain(stream, entity, assigned)
    confidence = (proof * (0.5 * covered + 0.2 * share) + 0.3 * named) * grain
    sure = sum(one.confidence >= SURE for one in assigned)
    is_covered = sure >= _LEAST_COVERED and 2 * sure > len(assigned) and grain == 1.0
    return Candidate(entity, matching, assigned, round(confidence, 2), is_covered)


def _grain(stream: SourceStream, entity: Entity, assigned: Sequence[Assigned]) -> float:
    """1 if a row of the stream is one of the entity; less if the entity's key only refers to others there.

    Tickets have a customer each, and are no customers.
    """
    if not entity.keys or not stream.key:
        return 1.0
    names = [column.name for column in stream.table.columns]
    places = {column.name: place for place, column in enumerate(entity.table.columns)}
    found = [assigned[places[key]].source for key in entity.keys if key in places]
    ours = {names[source] for source in found if source is not None}
    if ours == set(stream.key):
        return 1.0
    profiles = [stream.profile.column(name) for name in ours]
    is_alone = len(profiles) == 1 and profiles[0].distinct >= _UNIQUE * max(1, profiles[0].looked_at)
    return 1.0 if is_alone else _REFERS


def _alike(stream: str, entity: str) -> float:
    ours, theirs = words_of(stream).full, words_of(entity).full
    if ours == theirs:
        return 1.0
    vectors = encode([" ".join(ours), " ".join(theirs)])
    shared = len(set(ours) & set(theirs)) / max(len(ours), len(theirs), 1)
    return float(max(shared, np.clip((vectors[0] @ vectors[1] - 0.3) / 0.7, 0, 1)))

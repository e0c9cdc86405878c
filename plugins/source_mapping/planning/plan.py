"""The mapping of a source: what people decided is kept, the rest is found, and what is doubtful is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from plugins.core.discovery import ColumnProfile
from plugins.source_mapping.document import (
    ColumnMapping,
    EntityMapping,
    RunnerUp,
    SourceMapping,
    Status,
    StreamMapping,
    Unmapped,
)
from plugins.source_mapping.entities import Entity
from plugins.source_mapping.matching.evidence import explain
from plugins.source_mapping.planning.assigning import Assigned
from plugins.source_mapping.planning.choosing import SURE, Candidate, choose
from plugins.source_mapping.planning.composing import compose
from plugins.source_mapping.planning.drafted import new_entity
from plugins.source_mapping.planning.expressions import same_words
from plugins.source_mapping.planning.pairing import planned_expression
from plugins.source_mapping.planning.past import Past
from plugins.source_mapping.planning.standing import Standing, StandingModel
from plugins.source_mapping.planning.trying import loses_key, try_out
from plugins.source_mapping.streams import MappedSource, SourceStream

# A pair below this is a question to the reviewer.
ASKED_BELOW = 0.75
_MOST_IF_STRANGE = 0.7


@dataclass(frozen=True)
class Plan:
    """mapping: the whole file as it should be. entities: those that the project has, by name. standing: staging
    models that are merged.
    """

    source: MappedSource
    mapping: SourceMapping
    entities: Mapping[str, Entity]
    standing: Standing = field(default_factory=Standing)
    notes: tuple[str, ...] = field(default=())


def plan_mapping(
    source: MappedSource,
    entities: Mapping[str, Entity],
    decided: SourceMapping | None,
    past: Past,
    taken: Set[str] = frozenset(),
    standing: Standing | None = None,
    *,
    is_chosen: bool = False,
) -> Plan:
    """Map every stream. decided: the mapping.yml that is there; what people said in it stays.

    standing: staging models that are merged; what they make of columns of which mapping.yml says nothing stays.
    taken: names of models that the project has, which a new entity can't have. is_chosen: the entities are
    those that somebody named, and less is asked of a stream to feed one.
    """
    standing = standing or Standing()
    streams: list[StreamMapping] = []
    for one in source.streams:
        kept = decided.stream(one.name) if decided else None
        new = {entity.entity for stream in streams for entity in stream.entities if entity.is_new}
        streams.append(_stream(source.name, one, entities, kept, past, taken | new, standing, is_chosen=is_chosen))
    gone = _gone(source, decided)
    notes = tuple(f"the stream `{one.stream}` of mapping.yml is not at the source any more" for one in gone)
    notes += tuple(
        f"columns of `{one.name}` whose names dbt would run stay in bronze: {', '.join(map(_shown, one.left_out))}"
        for one in source.streams
        if one.left_out
    )
    told = (
        f"is not loaded yet: `smelt ingest {source.name}`"
        if source.in_bronze
        else "can't be read in the warehouse"
    )
    notes += tuple(
        note
        for one in source.streams
        for kept in (decided.stream(one.name) if decided else None,)
        for entity in (kept.entities if kept else ())
        for note in _not_there(one, entity)
    )
    notes += tuple(f"`{name}` {told}; what is said of it here rests on names alone" for name in source.missing)
    return Plan(source, SourceMapping(source=source.name, streams=(*streams, *gone)), entities, standing, notes)


def _shown(name: str) -> str:
    """A name that must not be run wherever it is printed."""
    return repr(name.replace("{", "(").replace("}", ")")[:60])


def _gone(source: MappedSource, decided: SourceMapping | None) -> tuple[StreamMapping, ...]:
    names = {one.name for one in source.streams}
    return tuple(one for one in decided.streams if one.stream not in names) if decided else ()


def _stream(
    source: str,
    stream: SourceStream,
    entities: Mapping[str, Entity],
    decided: StreamMapping | None,
    past: Past,
    taken: Set[str],
    standing: Standing,
    *,
    is_chosen: bool,
) -> StreamMapping:
    kept = {one.entity: one for one in decided.entities} if decided else {}
    approved = [name for name, one in kept.items() if one.status in ("approved", "proposed") and not one.is_new]
    rejected = {name for name, one in kept.items() if one.status == "rejected"}
    open_to = {name: entity for name, entity in entities.items() if name not in rejected}
    drafted = next((one for one in kept.values() if one.is_new and one.status != "rejected"), None)
    merged = standing.of(stream.name, drafted.entity if drafted else None)
    is_own = drafted is not None or (not kept and merged is not None and merged.entity is not None)
    # What stands in the file already, or is merged, is not thought about again.
    chosen = choose(stream, open_to, approved, is_chosen=is_chosen) if approved or not is_own else []
    refused = [kept[name] for name in sorted(rejected)]
    if stream.profile.view_of is not None and merged is None and all(map(_is_open, kept.values())):
        # The table is mapped, and a view of it would say everything twice.
        asked = new_entity(source, stream, drafted, taken).model_copy(update={"status": "question"})
        return StreamMapping(stream=stream.name, entities=tuple(refused or [asked]))
    mapped = [
        _entity(stream, one, kept.get(one.entity.name), past, standing.of(stream.name, one.entity.name))
        for one in chosen
    ]
    # What stands in the file stays, and its columns say what is lost.
    other = {
        one.entity
        for one in mapped
        if one.entity not in kept and loses_key(stream, one, entities[one.entity].keys)
    }
    mapped = [one for one in mapped if one.entity not in other]
    chosen = [one for one in chosen if one.entity.name not in other]
    is_refused = any(kept[name].is_new for name in rejected)
    if drafted is not None or not (mapped or is_refused):
        mapped.append(new_entity(source, stream, drafted, taken, merged))
    unmapped = tuple(_unmapped(stream, mapped, chosen))
    return try_out(stream, StreamMapping(stream=stream.name, entities=(*mapped, *refused), unmapped=unmapped))


def _is_open(kept: EntityMapping) -> bool:
    return kept.status in ("question", "rejected")


def _is_said(kept: EntityMapping) -> bool:
    return kept.status in ("approved", "rejected") or kept.reviewer is not None


def _entity(
    stream: SourceStream,
    candidate: Candidate,
    kept: EntityMapping | None,
    past: Past,
    merged: StandingModel | None,
) -> EntityMapping:
    decided = {one.target: one for one in kept.columns} if kept else {}
    standing = merged.mappings(stream) if merged is not None else {}
    columns = tuple(
        _standing(standing[target], _planned(stream, candidate, one, past))
        if (target := candidate.entity.table.columns[one.target].name) in standing and target not in decided
        else _column(stream, candidate, one, decided, past)
        for one in candidate.assigned
    )
    is_said = kept is not None and _is_said(kept)
    status = "proposed" if candidate.confidence >= SURE else "question"
    return EntityMapping(
        entity=candidate.entity.name,
        confidence=candidate.confidence,
        status=kept.status if kept is not None and is_said else status,
        reviewer=kept.reviewer if kept else None,
        columns=columns,
    )


def _column(
    stream: SourceStream,
    candidate: Candidate,
    assigned: Assigned,
    decided: Mapping[str, ColumnMapping],
    past: Past,
) -> ColumnMapping:
    kept = decided.get(candidate.entity.table.columns[assigned.target].name)
    if kept is not None and kept.status != "question" and _is_there(stream, kept):
        return kept
    return _planned(stream, candidate, assigned, past)


def _standing(merged: ColumnMapping, planned: ColumnMapping) -> ColumnMapping:
    """What is merged stays; where it is not what would be proposed with confidence, somebody is asked."""
    is_sure = planned.columns == merged.columns and planned.status == "proposed"
    said = {"runners_up": planned.runners_up, "data_type": ""}
    if is_sure:
        return merged.model_copy(update=said | {"confidence": max(planned.confidence, merged.confidence)})
    other = f"likelier is {' and '.join(planned.columns)} ({planned.confidence:.2f})"
    told = other if planned.columns and planned.columns != merged.columns else planned.evidence
    evidence = "; ".join(filter(None, (merged.evidence, told)))
    return merged.model_copy(
        update=said | {"confidence": _MOST_IF_STRANGE, "status": "question", "evidence": evidence}
    )


def _planned(stream: SourceStream, candidate: Candidate, assigned: Assigned, past: Past) -> ColumnMapping:
    """What a target is made from, as it is found."""
    entity = candidate.entity
    target = entity.table.columns[assigned.target]
    found = _found(stream, candidate, assigned, past)
    composed = compose(target.name, stream.profile.columns)
    if composed is not None and (found is None or found[0] in composed.columns or found[1] < composed.confidence):
        # A part of what the whole is made of is like it, and is not it.
        return ColumnMapping(
            target=target.name,
            columns=composed.columns,
            expression=composed.sql,
            confidence=composed.confidence,
            status=_status(composed.confidence),
            evidence=composed.told,
            runners_up=_runners_up(stream, assigned),
        )
    if found is None:
        return ColumnMapping(
            target=target.name,
            confidence=0.0,
            status="question" if target.name in entity.required or target.is_key else "proposed",
            evidence="nothing at the source is likely enough",
            runners_up=_runners_up(stream, assigned),
        )
    return _mapped(stream, entity, target.name, found, _runners_up(stream, assigned))


def _mapped(
    stream: SourceStream,
    entity: Entity,
    target: str,
    found: tuple[str, float, str],
    runners_up: tuple[RunnerUp, ...],
) -> ColumnMapping:
    column, confidence, evidence = found
    if strange := _not_accepted(stream.profile.column(column), entity.accepted.get(target, ())):
        confidence, evidence = min(confidence, _MOST_IF_STRANGE), "; ".join(filter(None, (strange, evidence)))
    made = planned_expression(stream, entity, target, column)
    if made is None:
        return ColumnMapping(
            target=target,
            confidence=0.0,
            status="question",
            evidence=f"`{column}` is near, and says the opposite",
            runners_up=(RunnerUp(column=column, confidence=round(confidence, 2)), *runners_up),
        )
    if made.is_opposite:
        confidence = min(confidence, _MOST_IF_STRANGE)
    return ColumnMapping(
        target=target,
        columns=(column,),
        expression=made.sql,
        confidence=round(confidence, 2),
        status=_status(confidence),
        evidence="; ".join(filter(None, (evidence, made.told))),
        runners_up=runners_up,
    )


def _found(
    stream: SourceStream, candidate: Candidate, assigned: Assigned, past: Past
) -> tuple[str, float, str] | None:
    """Source column, confidence and evidence; what was approved before for the same names is likelier."""
    target = candidate.entity.table.columns[assigned.target].name
    names = [column.name for column in stream.table.columns]
    if (known := past.source_of(candidate.entity.name, target, names)) is not None:
        column, times = known
        row = names.index(column)
        own = float(candidate.matching.confidences[row, assigned.target])
        confidence = past.confidence(own, times)
        if confidence > assigned.confidence:
            return column, confidence, f"approved {times} times before under this name"
    if assigned.source is None:
        return None
    return (
        names[assigned.source],
        assigned.confidence,
        explain(candidate.matching, assigned.source, assigned.target),
    )


def _not_there(stream: SourceStream, kept: EntityMapping | None) -> Iterator[str]:
    names = {column.name for column in stream.profile.columns}
    for one in kept.columns if kept else ():
        if gone := [name for name in one.columns if name not in names]:
            missing = _shown(", ".join(gone))
            yield f"`{stream.name}` has no column {missing}, of which mapping.yml makes `{one.target}`"


def _not_accepted(column: ColumnProfile, accepted: Sequence[str]) -> str:
    """Values that the entity's own test would refuse, if it has one and no other words for the same are plain."""
    strange = [value for value in column.values if value.strip() and value not in accepted]
    if not accepted or not strange or column.pii is not None or same_words(column.values, accepted):
        return ""
    return f"values such as {', '.join(map(_shown, strange[:3]))} are not among those that the entity accepts"


def _is_there(stream: SourceStream, kept: ColumnMapping) -> bool:
    names = {column.name for column in stream.profile.columns}
    return set(kept.columns) <= names


def _status(confidence: float) -> Status:
    return "proposed" if confidence >= ASKED_BELOW else "question"


def _runners_up(stream: SourceStream, assigned: Assigned) -> tuple[RunnerUp, ...]:
    return tuple(
        RunnerUp(column=stream.table.columns[row].name, confidence=round(score, 2))
        for row, score in assigned.runners_up
    )


def _unmapped(stream: SourceStream, mapped: list[EntityMapping], chosen: list[Candidate]) -> Iterator[Unmapped]:
    used = {
        column for entity in mapped for one in entity.columns if one.status != "rejected" for column in one.columns
    }
    for row, column in enumerate(stream.table.columns):
        if column.name in used:
            continue
        yield Unmapped(column=column.name, because=_because(row, column.name, stream, mapped, chosen))


def _because(
    row: int, name: str, stream: SourceStream, mapped: list[EntityMapping], chosen: list[Candidate]
) -> str:
    profile = stream.profile.column(name)
    if profile.null_share == 1:
        return "it is always empty"
    best = max(
        (
            (float(one.matching.confidences[row].max(initial=0)), one)
            for one in chosen
            if one.matching.confidences.size
        ),
        key=lambda pair: pair[0],
        default=None,
    )
    if best is None:
        return "people rejected it, or no entity of the project is like this stream"
    confidence, candidate = best
    if confidence < 0.1:
        return f"{candidate.entity.name} has no column for it; staging keeps it"
    place = int(candidate.matching.confidences[row].argmax())
    near = candidate.entity.table.columns[place].name
    nearest = f"nearest is {candidate.entity.name}.{near} ({confidence:.2f})"
    same = [entity for entity in mapped if entity.entity == candidate.entity.name]
    taken = {one.target for entity in same for one in entity.columns if one.columns}
    why = "which another column fits better" if near in taken else "which is not likely enough"
    return f"{nearest}, {why}; staging keeps it"

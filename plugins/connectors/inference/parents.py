"""Which streams give the parameters of others: path parameters, and query parameters that are required."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of

from plugins.connectors.inference.names import entity_of
from plugins.connectors.inference.records import Records
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import (
    is_parameter,
    is_plural,
    parameter_in,
    plural,
    segments,
    singular,
    words,
)
from plugins.connectors.inferred import Inferred
from plugins.connectors.manifest.text import is_plain
from plugins.connectors.spec.api import Operation, Parameter

_DEEPEST = 4
_FILTERS = re.compile(r"\b(?:the|an?) ((?:\w+ ){1,4}?)to (?:filter|list|get|retrieve|return|show|fetch)\b", re.I)
# What authentication sends already, in the header that APIs prefer.
_CREDENTIALS = frozenset(["token", "accesstoken", "authtoken", "apikey", "authorization"])
_IDS = vocabulary("parents", "ids")


@dataclass(frozen=True)
class Candidate:
    """A stream that others may hang from."""

    operation: Operation
    records: Records
    key: tuple[str, ...]


@dataclass(frozen=True)
class Parent:
    """`parameter`, in the path or the query, takes `field` of each record of the stream at `path`."""

    path: str
    parameter: str
    field: str
    place: str = "path"


@dataclass(frozen=True)
class Given:
    """Where a stream's parameters come from: parents, or (`asked`) the user."""

    parents: tuple[Parent, ...] = ()
    asked: tuple[Parameter, ...] = ()
    inherited: tuple[str, ...] = ()  # path parameters that the parent has, too


def infer_parents(operation: Operation, candidates: Mapping[str, Candidate]) -> Inferred[Given]:
    """For each path parameter, and each required query parameter without a default, the stream that gives it."""
    known = {path: candidate for path, candidate in candidates.items() if path != operation.path}
    found = _Found()
    _of_path(operation, known, found)
    _of_query(operation, known, found)
    if found.asked:
        found.sure = min(found.sure, 0.55)
        found.reasons.append(f"nothing gives {', '.join(f'`{one.name}`' for one in found.asked)}: you have to")
    given = Given(tuple(found.parents), tuple(found.asked), found.inherited)
    return Inferred(given, found.sure, "; ".join(found.reasons) or "its path takes no parameter")


@dataclass
class _Found:
    """What was found so far; as sure as its least sure part."""

    parents: list[Parent] = field_of(default_factory=list)
    asked: list[Parameter] = field_of(default_factory=list)
    inherited: tuple[str, ...] = ()
    sure: float = 0.97
    reasons: list[str] = field_of(default_factory=list)

    def add(self, parents: Sequence[Parent], sure: float, reason: str) -> None:
        self.parents += parents
        self.sure = min(self.sure, sure)
        self.reasons.append(reason)


def _of_path(operation: Operation, known: Mapping[str, Candidate], found: _Found) -> None:
    names = [parameter_in(part) for part in segments(operation.path) if is_parameter(part)]
    if not names:
        return
    nearest = _nearest(operation.path, known)
    if nearest is not None:
        candidate, run, sure = nearest
        fields = _fields(candidate, run)
        if fields is not None:
            above, (chosen, is_told) = candidate.operation.path, fields
            is_known = is_told and set(chosen.values()) <= set(candidate.records.shape.properties)
            told = f"{', '.join(f'`{name}`' for name in run)} of each record of {above}"
            found.add([Parent(above, name, chosen[name]) for name in run], sure if is_known else 0.5, told)
            found.inherited = tuple(name for name in names if f"{{{name}}}" in above)
            names = [name for name in names if name not in run and name not in found.inherited]
    by_name = {one.name: one for one in operation.parameters if one.place == "path"}
    for name in names:
        before = _segment_before(operation.path, name)
        other = _by_name(name, operation.path, known) or (before and _by_name(before, operation.path, known))
        if other:
            above = other[0].operation.path
            told = f"`{name}` is called like {above}, or stands behind its name"
            found.add([Parent(above, name, other[1])], 0.7, told)
        elif name in by_name:
            found.asked.append(by_name[name])


def _of_query(operation: Operation, known: Mapping[str, Candidate], found: _Found) -> None:
    for parameter in operation.query():
        is_free = not parameter.is_required or parameter.shape.default is not None
        if is_free or "".join(words(parameter.name)) in _CREDENTIALS:
            continue
        if parameter.shape.enum:
            found.asked.append(parameter)
        elif (other := _by_name(parameter.name, operation.path, known)) is not None:
            above = other[0].operation.path
            told = f"the required `{parameter.name}` is called like {above}"
            found.add([Parent(above, parameter.name, other[1], "query")], 0.8, told)
        elif (other := _by_prose(parameter, operation.path, known)) is not None:
            above = other[0].operation.path
            told = f"the required `{parameter.name}` is described as one of {above}"
            found.add([Parent(above, parameter.name, other[1], "query")], 0.6, told)
        else:
            found.asked.append(parameter)


def _nearest(path: str, known: Mapping[str, Candidate]) -> tuple[Candidate, list[str], float] | None:
    """The stream whose path, followed by parameters, begins this one: the longest, and the parameters it has to
    give."""
    parts = segments(path)
    by_segments = {tuple(segments(other)): candidate for other, candidate in known.items()}
    last = max(index for index, part in enumerate(parts) if is_parameter(part))
    run = [parameter_in(parts[last])]
    index = last
    while True:
        base = tuple(parts[:index])
        for shown in (base, _pluralised(base)):
            # `/project/{user}/{name}` hangs from `/projects`.
            if shown in by_segments:
                return by_segments[shown], run, 0.97 if shown == base and len(run) == 1 else 0.75
        index -= 1
        if index < 0 or not is_parameter(parts[index]):
            return None
        run.insert(0, parameter_in(parts[index]))


def _segment_before(path: str, name: str) -> str:
    """What stands before a parameter in a path: `incidents` in `/analytics/incidents/{id}/responses`."""
    parts = segments(path)
    place = next(index for index, part in enumerate(parts) if parameter_in(part) == name)
    return parts[place - 1] if place > 0 and not is_parameter(parts[place - 1]) else ""


def _pluralised(base: Sequence[str]) -> tuple[str, ...]:
    if not base or is_parameter(base[-1]):
        return tuple(base)
    return (*base[:-1], plural(base[-1]))


def _fields(candidate: Candidate, names: Sequence[str]) -> tuple[dict[str, str], bool] | None:
    """The field that each parameter takes, and whether names say so."""
    found = {name: _field(candidate, name) for name in names}
    is_told = all(found.values())
    if len(names) == 1 and not is_told:
        # Schemas leave out what a path asks for: `/builds/{build_num}` without a build_num. A URL is no part of a
        # path.
        own = [one for one in candidate.key if one not in _urls(candidate)]
        found[names[0]] = own[0] if len(own) == 1 else names[0] if is_plain(names[0]) else None
    named = {name: field for name, field in found.items() if field is not None}
    return (named, is_told) if len(named) == len(names) else None


def _field(candidate: Candidate, name: str) -> str | None:
    """The field of a record that a parameter asks for."""
    own = words(name)
    if not own:
        return name if name in candidate.records.shape.properties else None
    by_words = {words(one): one for one in candidate.records.shape.properties if words(one) and is_plain(one)}
    entity = singular((words(entity_of(candidate.operation.path)) or ("",))[-1])
    first, last = own[0], own[len(own) - 1]
    is_id = last in _IDS
    is_second = len(own) > 1 and is_id and singular(own[-2]) == entity and ("id",) in by_words
    if own in by_words and not is_second:
        return by_words[own]
    if len(own) > 1 and own[-1:] in by_words:
        # `project_name` asks for a project's name, `project_id` for its id.
        return by_words[own[-1:]]
    if is_id and len(candidate.key) == 1 and candidate.key[0] not in _urls(candidate):
        return candidate.key[0]
    if is_id and ("id",) in by_words:
        return by_words["id",]
    if is_id and not by_words:
        return "id"
    if entity in (singular(first), singular(last)):
        named = [
            one
            for parts, one in by_words.items()
            if parts[-1] in ("name", "slug") or "".join(parts).endswith("name")
        ]
        exact = [one for one in named if words(one) in (("name",), ("slug",), (*own, "name"))]
        keyed = [] if len(candidate.key) != 1 or candidate.key[0] in _urls(candidate) else list(candidate.key)
        others = [one for one in named if not {"user", "username"} & set(words(one)) and one != "username"]
        return next(iter([*keyed, *exact, *others]), None)
    return None


def _urls(candidate: Candidate) -> set[str]:
    return {
        one for one in candidate.records.shape.properties if words(one)[-1:] in (("url",), ("uri",), ("href",))
    }


def _by_name(name: str, path: str, known: Mapping[str, Candidate]) -> tuple[Candidate, str] | None:
    """A stream without parents that a parameter is called like: `workspace`, `workspace_gid` of `/workspaces`."""
    own = words(name)
    if not own:
        return None
    # `organization_id_or_slug` is called like organizations.
    stem = own
    while len(stem) > 1 and stem[-1] in (*_IDS, "or", "and"):
        stem = stem[:-1]
    last = stem[len(stem) - 1]
    wanted = (*stem[:-1], singular(last))
    for candidate in sorted(known.values(), key=lambda one: len(one.operation.path)):
        entity = words(entity_of(candidate.operation.path))
        if "{" in candidate.operation.path or not entity or not is_plural(segments(candidate.operation.path)[-1]):
            continue
        if (*entity[:-1], singular(entity[-1])) == wanted:
            field = candidate.key[0] if len(candidate.key) == 1 else _field(candidate, name)
            if field is not None:
                return candidate, field
    return None


def _by_prose(parameter: Parameter, path: str, known: Mapping[str, Candidate]) -> tuple[Candidate, str] | None:
    """Only stream without parents that a parameter is said to filter by: "the workspace to filter teams on"."""
    said = _FILTERS.search(parameter.prose.split(".")[0])
    named = {singular(word) for word in words(said[1])} if said else set()
    found = []
    for candidate in known.values():
        entity = words(entity_of(candidate.operation.path))
        if "{" not in candidate.operation.path and len(entity) == 1 and singular(entity[0]) in named:
            found.append(candidate)
    found = [one for one in found if entity_of(one.operation.path) != entity_of(path) and len(one.key) == 1]
    return (found[0], found[0].key[0]) if len(found) == 1 else None


def depth_of(path: str, parents: Mapping[str, tuple[Parent, ...]], seen: frozenset[str] = frozenset()) -> int:
    """How many streams have to be read before; 99 where they lead back to themselves or too far."""
    if path in seen or len(seen) > _DEEPEST:
        return 99
    return max((1 + depth_of(one.path, parents, seen | {path}) for one in parents.get(path, ())), default=0)

"""What finds new and changed records: a field of theirs, and the request parameter that filters by it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field as value
from typing import Any

from plugins.connectors.inference.names import entity_of
from plugins.connectors.inference.records import Records
from plugins.connectors.inference.times import DAY, format_of, is_time_parameter, is_time_property
from plugins.connectors.inference.vocabulary import vocabulary
from plugins.connectors.inference.words import singular, words
from plugins.connectors.inferred import Inferred
from plugins.connectors.spec.api import Api, Operation, Parameter

_CHANGED = vocabulary("cursors", "changed")
_CREATED = vocabulary("cursors", "created")
_CHANGE_SAID = re.compile(r"\b(updated|modified|changed|edited)\b", re.I)
_CREATION_SAID = re.compile(r"\b(created|creation|received|occurred|sent|added)\b", re.I)
_OPPOSITE = {
    "since": "until",
    "after": "before",
    "from": "to",
    "start": "end",
    "gt": "lt",
    "gte": "lte",
    "min": "max",
    "begin": "end",
}
_LOWER = re.compile(r"^(since|after|from|start|gt|gte|ge|min|begin|beginning|newer|later|greater)$")
_UPPER = re.compile(r"^(until|before|to|end|lt|lte|le|max|older|earlier|till|less)$")
_LOWER_SAID = re.compile(
    r"\b(since|(on or )?after|at or after|later than|newer than|greater than|from|starting|start of|beginning)\b",
    re.I,
)
_UPPER_SAID = re.compile(r"\b(before|until|prior to|earlier than|older than|up to|less than)\b", re.I)
_FIELD_OF_DATE = re.compile(r"date_?(field|type|filter|attribute|column)$|^(filter|time)_?(field|by)$", re.I)
_DEPRECATED = re.compile(r"\bdeprecated\b", re.I)
# What doesn't change once it is there.
_EVENTS = vocabulary("cursors", "events")


@dataclass(frozen=True)
class Cursor:
    """`field` of a record, and the query `parameter` that takes its lower bound; `fixed` goes beside it.

    `format` is how the parameter takes a time (strptime, `%s` and `%ms` for Unix times).
    """

    field: str
    parameter: str
    format: str
    end_parameter: str = ""
    fixed: dict[str, str] = value(default_factory=dict)
    is_creation: bool = False
    is_end_required: bool = False


# A cursor, how sure it is, and why.
_Choice = tuple[Cursor, float, str]
_GUESS = 0.45
_MOMENTS = (("timestamp",), ("time",), ("date",), ("at",))


@dataclass(frozen=True)
class _Bound:
    parameter: Parameter
    verb: str  # changed, created, other, or empty if none is told
    told: str


def infer_cursor(operation: Operation, records: Records, api: Api) -> Inferred[Cursor | None]:
    """The likeliest pair of field and parameter; None where no parameter filters by time."""
    shapes = api.shapes
    times = {
        name: shapes.property_of(records.shape, name, operation.where)
        for name in records.shape.properties
        if is_time_property(name, shapes.property_of(records.shape, name, operation.where))
    }
    bounds = list(_bounds(operation, times))
    if not bounds:
        shown = _best(times, _CHANGED) or _best(times, _CREATED)
        reason = f"no parameter filters by `{shown}`" if shown else "no parameter filters by time"
        return Inferred(None, 0.85, reason)
    choices = [choice for bound in bounds for choice in _paired(bound, times, operation, api)]
    choices.sort(key=lambda one: -one[1])
    if not choices:
        names = ", ".join(f"`{bound.parameter.name}`" for bound in bounds)
        return Inferred(None, 0.6, f"{names} may filter by time, but by no field that records are known to have")
    (best, score, why), others = choices[0], choices[1:]
    runners: list[Cursor | None] = [one for one, _, _ in others[:2]]
    if score < 0.5:
        return Inferred(None, round(1 - score, 2), f"{why}: too little to rely on", (best, *runners))
    return Inferred(best, round(min(score, 0.97), 2), why, (*runners, None))


def _bounds(operation: Operation, times: dict[str, Any]) -> Iterator[_Bound]:
    # `start_time` of records that have a start_time asks for that time, not for later ones.
    own = {words(name) for name in times}
    for parameter in operation.query():
        parts = words(parameter.name)
        if parameter.is_lost or not is_time_parameter(parameter) or parts in own:
            continue
        says_lower = any(_LOWER.match(part) for part in parts)
        if any(_UPPER.match(part) for part in parts) and not says_lower:
            continue
        prose = parameter.prose
        if not says_lower and not (_LOWER_SAID.search(prose) and not _UPPER_SAID.search(prose)):
            continue
        told = set(parts)
        if told & _CHANGED:
            yield _Bound(parameter, "changed", f"`{parameter.name}` says so")
        elif told & _CREATED:
            yield _Bound(parameter, "created", f"`{parameter.name}` says so")
        elif rest := [part for part in parts if part not in _SILENT and not _LOWER.match(part)]:
            yield _Bound(parameter, "other", f"`{parameter.name}` is about {' '.join(rest)}")
        elif _CHANGE_SAID.search(prose):
            yield _Bound(parameter, "changed", f"`{parameter.name}`: {_shown(prose, _CHANGE_SAID)}")
        elif _CREATION_SAID.search(prose):
            yield _Bound(parameter, "created", f"`{parameter.name}`: {_shown(prose, _CREATION_SAID)}")
        else:
            yield _Bound(parameter, "", f"`{parameter.name}` is the start of a period")


_SILENT = vocabulary("cursors", "silent")


def _paired(bound: _Bound, times: dict[str, Any], operation: Operation, api: Api) -> Iterator[_Choice]:
    """The field that a lower bound filters by: what a chooser beside it names, else what its own words say."""
    parameter = bound.parameter
    old = 0.3 if _DEPRECATED.search(parameter.prose) else 0.0
    precise = 0.02 * (format_of(parameter)[0] != DAY)
    chooser = _chooser(operation, parameter, api)
    found = _chosen(bound, chooser, times, operation) if chooser is not None else None
    found = found or _told(bound, times, operation)
    if found is not None:
        cursor, score, why = found
        yield cursor, score - old + (precise if score > _GUESS else 0.0), why


def _chosen(
    bound: _Bound, chooser: tuple[str, tuple[str, ...]], times: dict[str, Any], operation: Operation
) -> _Choice | None:
    """With a parameter that says which field the period is about: the time of change, if it can name that."""
    name, values = chooser
    changed, created = _best(times, _CHANGED), _best(times, _CREATED)
    wanted = next((one for one in (changed, created) if one and (one in values or not values)), None)
    if (wanted != changed or changed is None) and not (created and _is_event(operation)):
        # Where no schema says what records have, an example may lack what the chooser names.
        unseen = next((one for one in values if set(words(one)) & _CHANGED), None)
        if unseen and (operation.body is None or operation.body.origin != "schema" or not times):
            why = f"{bound.told}; `{name}` may be `{unseen}`, though no example of a record shows it"
            return _cursor(unseen, bound.parameter, operation, {name: unseen}), 0.62, why
    if wanted is None:
        return None
    score = (0.88 if values else 0.72) - 0.1 * (wanted == created and changed is not None)
    made = _cursor(wanted, bound.parameter, operation, {name: wanted}, wanted != changed)
    return made, score, f"{bound.told}; `{name}` says which field, here `{wanted}`"


def _told(bound: _Bound, times: dict[str, Any], operation: Operation) -> _Choice | None:
    """By the words of the parameter and its prose. A filter by creation finds no changes: it is for events."""
    changed, created = _best(times, _CHANGED), _best(times, _CREATED)
    is_event = _is_event(operation)

    def choice(field: str, score: float, why: str, is_creation: bool = False) -> _Choice:
        return _cursor(field, bound.parameter, operation, {}, is_creation), score, why

    named = next((one for one in times if re.search(rf"\b{re.escape(one)}\b", bound.parameter.prose)), None)
    if named and named not in (changed, created) and bound.verb != "changed":
        return choice(named, 0.4, f"`{bound.parameter.name}` filters by `{named}`, which is no time of change")
    if bound.verb == "changed" and changed:
        return choice(changed, 0.94, f"{bound.told}, and records have `{changed}`")
    if bound.verb == "created" and created:
        later = "" if is_event or not changed else "; but records change later"
        score = 0.85 if is_event else 0.45 if changed else 0.62
        return choice(created, score, f"{bound.told}, and records have `{created}`{later}", True)
    if bound.verb == "other" or not times:
        return None
    if not bound.verb and len(times) == 1:
        only = next(iter(times))
        return choice(only, 0.66, f"{bound.told}, and `{only}` is the records' only time", only != changed)
    if is_event:
        kept = created or next((one for one in times if words(one)[-1:] in _MOMENTS), next(iter(times)))
        return choice(kept, 0.66 if created else 0.62, f"{bound.told}, and events keep their `{kept}`", True)
    if changed and bound.verb != "created":
        return choice(changed, _GUESS, f"{bound.told}; that it is about `{changed}` is a guess")
    return None


def _cursor(
    name: str,
    parameter: Parameter,
    operation: Operation,
    fixed: dict[str, str] | None = None,
    is_creation: bool = False,
) -> Cursor:
    end = _end_of(operation, parameter)
    return Cursor(
        field=name,
        parameter=parameter.name,
        format=format_of(parameter)[0],
        end_parameter=end.name if end else "",
        is_end_required=bool(end and end.is_required),
        fixed=fixed or {},
        is_creation=is_creation,
    )


def _end_of(operation: Operation, start: Parameter) -> Parameter | None:
    """Upper bound that belongs to a lower one: the same name with the opposite word, taking the same format."""
    wanted = tuple(_OPPOSITE.get(part, part) for part in words(start.name))
    for parameter in operation.query():
        if words(parameter.name) == wanted and parameter.name != start.name and is_time_parameter(parameter):
            return parameter if format_of(parameter)[0] == format_of(start)[0] else None
    return None


def _chooser(operation: Operation, parameter: Parameter, api: Api) -> tuple[str, tuple[str, ...]] | None:
    """The parameter that says which field the period is about, and the fields it may name.

    Beside `filter[start_date]` that is `filter[date_field]`, not `date_field`.
    """
    group = parameter.name.rsplit("[", 1)[0] if "[" in parameter.name else ""
    for one in operation.query():
        if (one.name.rsplit("[", 1)[0] if "[" in one.name else "") != group:
            continue
        if _FIELD_OF_DATE.search("_".join(words(one.name))):
            name = "date_field" if one.is_lost else one.name
            own = _values(one)
            # An enumeration is all there is, and so is a list in prose; one example is not, other endpoints
            # show more.
            return name, own if one.shape.enum or len(own) > 1 else (*own, *_values_elsewhere(one, api))
    return None


def _values(chooser: Parameter) -> tuple[str, ...]:
    if chooser.shape.enum:
        return tuple(str(value) for value in chooser.shape.enum)
    return tuple(dict.fromkeys(re.findall(r"\b[a-z]+(?:_[a-z]+)*_(?:at|on|date)\b", chooser.prose)))


def _values_elsewhere(chooser: Parameter, api: Api) -> tuple[str, ...]:
    """What parameters of the same name may name at other endpoints."""
    last = words(chooser.name)[-2:]
    same = [one for other in api.operations for one in other.query() if words(one.name)[-2:] == last]
    return tuple(dict.fromkeys(value for one in same for value in _values(one)))


def _best(times: dict[str, Any], verbs: frozenset[str]) -> str | None:
    """The time field that is about one of these verbs; whose name says least else."""
    found = [name for name in times if set(words(name)) & verbs]
    if not found and verbs is _CREATED:
        found = [name for name in times if words(name) in (("timestamp",), ("date",), ("time",), ("datetime",))]
    return min(found, key=lambda name: (len(words(name)), name), default=None)


def _is_event(operation: Operation) -> bool:
    return any(singular(word) in _EVENTS for word in words(entity_of(operation.path))) or any(
        singular(word) in ("bounce", "unsubscribe") for word in words(operation.path)
    )


def _shown(prose: str, pattern: re.Pattern[str]) -> str:
    match = pattern.search(prose)
    start = max(0, (match.start() if match else 0) - 30)
    return "“" + " ".join(prose[start : start + 70].split()) + "”"
